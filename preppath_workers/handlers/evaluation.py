"""Evaluation: scores a candidate's answer to a question of an interview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..clients.services import Services
from . import evaluation_prompt, evaluation_records
from .data import identifier, note_unknown, text
from .kind import Attempt
from .scoring import assess, judgement

#: Longest answer, characters.
MAX_ANSWER = 50_000


def handle(attempt: Attempt, services: Services) -> Mapping[str, Any]:
    """Data: `{questionId, interviewId, answer, userId}`.

    Result: `{questionId, feedbackId, score, correctness, completeness, clarity, cached}`, scores 0 to 10.
    `cached` says that this very job was evaluated before (its last attempt died after it had saved): then
    nothing was paid for again. A new evaluation of the same answer is a new job.
    """
    note_unknown(attempt.data, "questionId", "interviewId", "answer", "userId")
    question_id = identifier(attempt.data, "questionId")
    interview_id = identifier(attempt.data, "interviewId")
    user_id = identifier(attempt.data, "userId")
    answer = text(attempt.data, "answer", MAX_ANSWER)

    with services.database.transaction() as cursor:
        question = evaluation_records.find_question(cursor, question_id, interview_id, user_id)
        feedback = evaluation_records.find_feedback(cursor, attempt.id)
    if feedback:
        return _result(feedback, cached=True)
    attempt.progress(10)

    judged = attempt.once("evaluation", lambda: _judge(services, question, answer))
    assessment = assess(judged, question["evaluationCriteria"])
    attempt.progress(90)

    feedback = evaluation_records.save(
        services.database, attempt.id, question, answer, assessment, attempt.confirm
    )
    return _result(feedback, cached=False)


def _judge(services: Services, question: Mapping[str, Any], answer: str) -> dict[str, Any]:
    """The model's judgement, checked: a reply that can not be used must not be kept for the next attempt."""
    messages = evaluation_prompt.messages(question, answer)
    return judgement(services.openai.evaluate(messages, evaluation_prompt.SCHEMA))


def _result(feedback: Mapping[str, Any], cached: bool) -> Mapping[str, Any]:
    return {
        "questionId": feedback["questionId"],
        "feedbackId": feedback["id"],
        "score": feedback["totalScore"],
        "correctness": feedback["correctnessScore"],
        "completeness": feedback["completenessScore"],
        "clarity": feedback["clarityScore"],
        "cached": cached,
    }
