"""Evaluation: score a candidate's answer to an interview question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...clients.services import Services
from ...registry import JobContext
from ..validation import identifier, log_unknown_fields, text
from . import prompt, records
from .scoring import assess, parse_scores
from .tiers import ask_in_tier

#: Longest answer, characters.
MAX_ANSWER = 50_000


def handle(context: JobContext, services: Services) -> Mapping[str, Any]:
    """Evaluate an answer and store the feedback.

    Data: `{questionId, interviewId, answer, userId}`.
    Result: `{questionId, feedbackId, score, correctness, completeness, clarity, cached}`; scores are 0 to 10.

    `cached`: an earlier attempt at this job had already stored its feedback, so nothing was paid for. Enqueue
    a new job to evaluate the same answer again.
    """
    log_unknown_fields(context.data, "questionId", "interviewId", "answer", "userId")
    question_id = identifier(context.data, "questionId")
    interview_id = identifier(context.data, "interviewId")
    user_id = identifier(context.data, "userId")
    answer = text(context.data, "answer", MAX_ANSWER)

    with services.database.transaction() as cursor:
        question = records.find_question(cursor, question_id, interview_id, user_id)
        feedback = records.find_feedback(cursor, context.id, question_id)
    if question is None:
        context.not_found(f"question {question_id!r} does not exist")
    if question["userId"] is None:
        context.not_found(f"interview {interview_id!r} does not exist")
    if feedback:
        return _result(feedback, cached=True)
    context.progress(10)

    scores = context.step("evaluation", lambda: _evaluate(context, services, question, answer))
    assessment = assess(scores, question["evaluationCriteria"])
    context.progress(90)

    feedback = records.save(services.database, context.id, question, answer, assessment, context.check_lease)
    return _result(feedback, cached=False)


def _evaluate(
    context: JobContext, services: Services, question: Mapping[str, Any], answer: str
) -> dict[str, Any]:
    """Return the model's scores, checked: an unusable reply must not be stored for the next attempt."""
    described = prompt.described(question)
    messages, key = prompt.messages(described, answer), prompt.cache_key(described)
    openai = services.openai
    reply = ask_in_tier(
        context, openai.config, lambda tier: openai.evaluate(messages, prompt.SCHEMA, context, tier, key)
    )
    return parse_scores(reply)


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
