"""The interview's rows in the database and recordings in S3, as PrepPath would store them."""

from __future__ import annotations

from psycopg2.extras import Json

from preppath_workers.clients.postgres.client import Cursor
from preppath_workers.clients.postgres.schema import create_missing
from preppath_workers.clients.services import Services
from tests.support import speech

from .interview import Interview, Question

#: The candidate's voice.
VOICE = "cedar"


def load(interview: Interview, services: Services) -> float:
    """Create the tables and the interview's rows, and store its spoken answers. Return the seconds of speech.
    The bucket must exist."""
    recordings = [(question, *_record(question, services)) for question in interview.spoken]
    with services.database.transaction() as cursor:
        create_missing(cursor)
        cursor.execute(
            'INSERT INTO interviews ("id", "userId") VALUES (%s, %s)', [interview.id, interview.user_id]
        )
        for number, question in enumerate(interview.questions, start=1):
            _insert_question(cursor, interview, number, question)
        for question, size, _ in recordings:
            _insert_recording(cursor, interview, question, size)
    return sum(seconds for *_, seconds in recordings)


def _record(question: Question, services: Services) -> tuple[int, float]:
    """Speak and store the answer; return its bytes and seconds."""
    sound = speech.synthesize(question.answer, VOICE)
    # The OpenAI-compatible server reads the transcript from the recording.
    file = sound.wav_bytes(comment=question.answer)
    services.storage.upload(question.recording_key, file, "audio/wav")
    return len(file), sound.seconds


def _insert_question(cursor: Cursor, interview: Interview, number: int, question: Question) -> None:
    cursor.execute(
        'INSERT INTO interview_questions ("id", "interviewId", "order", question, category, difficulty, '
        '"expectedAnswer", "evaluationCriteria") VALUES (%s, %s, %s, %s, %s, %s, %s, %s)',
        [
            question.id,
            interview.id,
            number,
            question.question,
            question.category,
            question.difficulty,
            question.expected_answer,
            Json(dict(question.criteria)) if question.criteria else None,
        ],
    )


def _insert_recording(cursor: Cursor, interview: Interview, question: Question, size: int) -> None:
    cursor.execute(
        'INSERT INTO interview_recordings ("id", "interviewId", "userId", filename, "originalName", '
        '"fileSize", "mimeType") VALUES (%s, %s, %s, %s, %s, %s, %s)',
        [
            question.recording_id,
            interview.id,
            interview.user_id,
            question.recording_key,
            f"{question.topic}.wav",
            size,
            "audio/wav",
        ],
    )
