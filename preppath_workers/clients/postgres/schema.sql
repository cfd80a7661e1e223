-- The tables that the workers read and write. The first three are PrepPath's own, and its migrations are what
-- owns them: here are the columns that the workers know, for a database that does not have them yet, such as
-- a developer's. They carry no foreign keys, so that the order of rows is PrepPath's concern alone.
-- Times are UTC without a zone, as Prisma keeps them.

CREATE TABLE IF NOT EXISTS interviews (
    "id"        text PRIMARY KEY,
    "userId"    text NOT NULL,
    "createdAt" timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    "updatedAt" timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);

CREATE TABLE IF NOT EXISTS interview_questions (
    "id"                 text PRIMARY KEY,
    "interviewId"        text NOT NULL,
    "order"              integer NOT NULL DEFAULT 0,
    question             text NOT NULL,
    category             text,
    difficulty           text,
    "expectedAnswer"     text,
    "evaluationCriteria" jsonb,
    "audioUrl"           text,
    "audioDuration"      double precision,  -- seconds
    "ttsGenerated"       boolean NOT NULL DEFAULT false,
    "userAnswer"         text,
    score                double precision,  -- these four 0 to 10
    correctness          double precision,
    completeness         double precision,
    clarity              double precision,
    strengths            text[] NOT NULL DEFAULT '{}',
    improvements         text[] NOT NULL DEFAULT '{}',
    "aiEvaluation"       text,
    "answeredAt"         timestamp(3),
    "evaluatedAt"        timestamp(3),
    "createdAt"          timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    "updatedAt"          timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);

CREATE TABLE IF NOT EXISTS interview_recordings (
    "id"            text PRIMARY KEY,
    "interviewId"   text,
    "userId"        text NOT NULL,
    filename        text NOT NULL,  -- the key in S3
    "originalName"  text,
    "fileUrl"       text,
    "fileSize"      bigint,  -- bytes
    "mimeType"      text,
    duration        double precision,  -- seconds
    transcribed     boolean NOT NULL DEFAULT false,
    transcription   text,
    "transcribedAt" timestamp(3),
    "createdAt"     timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);

-- The workers' own: one record for each evaluation job, whatever number of attempts it took.
CREATE TABLE IF NOT EXISTS answer_feedback (
    "id"                text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    "jobId"             text NOT NULL UNIQUE,
    "questionId"        text NOT NULL,
    "interviewId"       text NOT NULL,
    "userId"            text NOT NULL,
    "correctnessScore"  double precision NOT NULL,
    "completenessScore" double precision NOT NULL,
    "clarityScore"      double precision NOT NULL,
    "totalScore"        double precision NOT NULL,
    feedback            text NOT NULL,
    strengths           text[] NOT NULL DEFAULT '{}',
    improvements        text[] NOT NULL DEFAULT '{}',
    "createdAt"         timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);

-- The workers' own too: one row for each paid request, written by `costs --store` if LEDGER_ROWS is on.
CREATE TABLE IF NOT EXISTS preppath_worker_costs (
    "id"              text PRIMARY KEY,
    queue             text NOT NULL,
    "jobId"           text NOT NULL,
    attempt           integer,
    step              text,
    "userId"          text,
    model             text,
    tier              text,
    tokens            jsonb NOT NULL DEFAULT '{}',  -- by kind
    "reasoningTokens" bigint NOT NULL DEFAULT 0,  -- among the output tokens
    seconds           double precision NOT NULL DEFAULT 0,  -- of audio
    characters        bigint NOT NULL DEFAULT 0,
    "requestId"       text,
    "nanoDollars"     bigint,  -- NULL: no price is known
    certainty         text NOT NULL,  -- actual, estimated, unknown (the most it can have cost), void (not charged)
    "requestedAt"     timestamp(3) NOT NULL
);
