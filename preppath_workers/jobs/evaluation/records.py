"""The rows that an evaluation reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...clients.postgres.client import Cursor, Database
from ...errors import PermanentError
from .scoring import Assessment


def find_question(
    cursor: Cursor, question_id: str, interview_id: str, user_id: str
) -> Mapping[str, Any] | None:
    """Return the question with its criteria, or None; its `userId` is None if its interview does not exist.
    Raises PermanentError if it belongs to another interview, or its interview to another user."""
    cursor.execute(
        'SELECT q."id", q."interviewId", q.question, q.category, q.difficulty, q."expectedAnswer", '
        'q."evaluationCriteria", i."userId" '
        'FROM interview_questions q LEFT JOIN interviews i ON i."id" = q."interviewId" '
        'WHERE q."id" = %s',
        [question_id],
    )
    question = cursor.fetchone()
    if question is None:
        return None
    if question["interviewId"] != interview_id:
        raise PermanentError(f"question {question_id!r} does not belong to interview {interview_id!r}")
    if question["userId"] not in (None, user_id):
        raise PermanentError(f"interview {interview_id!r} does not belong to user {user_id!r}")
    return question


def save(
    database: Database,
    job_id: str,
    question: Mapping[str, Any],
    answer: str,
    assessment: Assessment,
    check_lease: Callable[[], None],
) -> Mapping[str, Any]:
    """Store the feedback and update the question in one transaction; call `check_lease` before the commit.

    Returns the stored feedback. A job stores feedback once: if another attempt has done so, nothing changes.
    """
    with database.transaction() as cursor:
        if _insert_feedback(cursor, job_id, question, assessment):
            _update_question(cursor, question["id"], answer, assessment)
        feedback = find_feedback(cursor, job_id, question["id"])
        assert feedback is not None, "the row was inserted or existed"
        check_lease()
        return feedback


def find_feedback(cursor: Cursor, job_id: str, question_id: str) -> Mapping[str, Any] | None:
    """Return the feedback that this job has stored, or None. Raises PermanentError if it is for another
    question: an earlier job, which Redis has forgotten, had the same id."""
    cursor.execute(
        'SELECT "id", "questionId", "totalScore", "correctnessScore", "completenessScore", "clarityScore" '
        'FROM answer_feedback WHERE "jobId" = %s',
        [job_id],
    )
    feedback = cursor.fetchone()
    if feedback and feedback["questionId"] != question_id:
        raise PermanentError(
            f"a job with the id {job_id} has stored feedback for question {feedback['questionId']!r}: "
            "each evaluation needs an id of its own"
        )
    return feedback


def _insert_feedback(
    cursor: Cursor, job_id: str, question: Mapping[str, Any], assessment: Assessment
) -> bool:
    cursor.execute(
        'INSERT INTO answer_feedback ("jobId", "questionId", "interviewId", "userId", "correctnessScore", '
        '"completenessScore", "clarityScore", "totalScore", feedback, strengths, improvements) '
        'VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT ("jobId") DO NOTHING',
        [
            job_id,
            question["id"],
            question["interviewId"],
            question["userId"],
            assessment.correctness,
            assessment.completeness,
            assessment.clarity,
            assessment.total,
            assessment.feedback,
            assessment.strengths,
            assessment.improvements,
        ],
    )
    return cursor.rowcount == 1


def _update_question(cursor: Cursor, question_id: str, answer: str, assessment: Assessment) -> None:
    cursor.execute(
        'UPDATE interview_questions SET "userAnswer" = %s, score = %s, correctness = %s, completeness = %s, '
        'clarity = %s, strengths = %s, improvements = %s, "aiEvaluation" = %s, '
        '"answeredAt" = CURRENT_TIMESTAMP, "evaluatedAt" = CURRENT_TIMESTAMP, '
        '"updatedAt" = CURRENT_TIMESTAMP WHERE "id" = %s',
        [
            answer,
            assessment.total,
            assessment.correctness,
            assessment.completeness,
            assessment.clarity,
            assessment.strengths,
            assessment.improvements,
            assessment.feedback,
            question_id,
        ],
    )
    if not cursor.rowcount:
        raise PermanentError(f"question {question_id!r} was deleted during the evaluation")
