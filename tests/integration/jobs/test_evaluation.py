"""The job evaluation, on real servers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.errors import JobLost, PermanentError, TransientError
from preppath_workers.jobs.evaluation import handle, records
from preppath_workers.jobs.evaluation.scoring import assess
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer

from .conftest import EVALUATION, LONG_AGO, Tables
from .evaluation_requests import PATH, REPLY


def test_evaluation_of_an_answer_stores_its_scores(
    question: Callable[..., FakeContext], services: Services, tables: Tables, vendor: OpenAIServer
) -> None:
    context = question()
    vendor.order({"content": REPLY})

    result = handle(context, services)

    feedback = tables.row("answer_feedback")
    scores = {"correctness": 8.0, "completeness": 6.0, "clarity": 9.5}
    assert result == {
        "questionId": "q1",
        "feedbackId": feedback["id"],
        "score": 7.85,
        **scores,
        "cached": False,
    }
    assert (
        feedback.items()
        >= {
            "jobId": "job-1",
            "questionId": "q1",
            "interviewId": "i1",
            "userId": "u1",
            "correctnessScore": 8.0,
            "completenessScore": 6.0,
            "clarityScore": 9.5,
            "totalScore": 7.85,
            "feedback": "Good, but name one more.",
            "strengths": ["Clear", "Short"],
            "improvements": ["Name one more"],
        }.items()
    )
    row = tables.row("interview_questions")
    assert (
        row.items()
        >= {
            **scores,
            "score": 7.85,
            "userAnswer": "Because work can wait.",
            "aiEvaluation": "Good, but name one more.",
            "strengths": ["Clear", "Short"],
            "improvements": ["Name one more"],
        }.items()
    )
    assert row["answeredAt"] == row["evaluatedAt"] == row["updatedAt"] > LONG_AGO
    assert context.reported == sorted(context.reported)
    assert len(vendor.calls(PATH)) == 1


def test_evaluation_of_a_generated_reply_is_valid(
    question: Callable[..., FakeContext], services: Services
) -> None:
    assert 0 <= handle(question(), services)["score"] <= 10


def test_evaluation_weights_follow_the_question_type(
    question: Callable[..., FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    vendor.order({"content": REPLY})

    result = handle(question(evaluationCriteria={"correctness": 3, "clarity": 1}), services)

    assert result["score"] == 8.38  # (3 * 8 + 9.5) / 4, two decimals


def test_evaluation_prompt_has_the_question_and_the_expected_answer(
    question: Callable[..., FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    criteria = {"rubric": "Names latency."}
    handle(question(expectedAnswer="Latency and load.", evaluationCriteria=criteria), services)

    [system, user] = vendor.calls(PATH)[0]["body"]["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    for part in ("Why queues?", "Latency and load.", "Names latency.", "Because work can wait."):
        assert part in user["content"]


def test_evaluation_prompt_has_the_criteria_and_not_the_weights(
    question: Callable[..., FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    handle(question(evaluationCriteria={"correctness": 61, "clarity": 39, "depth": "Names costs."}), services)

    [_, user] = vendor.calls(PATH)[0]["body"]["messages"]
    assert 'Criteria:\n{"depth": "Names costs."}\n' in user["content"]
    assert not {"61", "39"} & {*re.findall(r"\b\d+\b", user["content"])}


def test_evaluation_retried_after_its_reply_is_paid_once(
    question: Callable[..., FakeContext],
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    fail_updates: Callable[[str], None],
) -> None:
    context = question()
    vendor.order({"content": REPLY})
    fail_updates("interview_questions")
    with pytest.raises(TransientError):
        handle(context, services)
    tables.run("DROP TRIGGER refuse ON interview_questions")

    assert handle(context.again(), services)["score"] == 7.85

    assert len(vendor.calls(PATH)) == 1


def test_evaluation_reply_that_is_unusable_is_not_kept(
    question: Callable[..., FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    context = question()
    vendor.order({"content": {**REPLY, "clarity": 11}}, {"content": REPLY})
    with pytest.raises(TransientError):
        handle(context, services)

    assert handle(context.again(), services)["clarity"] == 9.5


def test_evaluation_of_a_lost_job_changes_nothing(
    question: Callable[..., FakeContext], services: Services, tables: Tables
) -> None:
    context = question()
    before, context.lost = tables.row("interview_questions"), True

    with pytest.raises(JobLost):
        handle(context, services)

    assert tables.row("interview_questions") == before
    assert tables.rows("answer_feedback") == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"questionId": "q9"}, "question 'q9' does not exist"),
        ({"interviewId": "i9"}, "not belong to interview 'i9'"),
        ({"userId": "u9"}, "not belong to user 'u9'"),
    ],
)
def test_evaluation_of_a_question_that_is_not_the_users_is_refused(
    question: Callable[..., FakeContext],
    services: Services,
    vendor: OpenAIServer,
    changes: dict[str, str],
    problem: str,
) -> None:
    question()

    with pytest.raises(PermanentError, match=problem):
        handle(FakeContext({**EVALUATION, **changes}), services)
    assert vendor.calls() == []


def test_evaluation_of_the_same_job_again_is_paid_once(
    question: Callable[..., FakeContext], services: Services, tables: Tables, vendor: OpenAIServer
) -> None:
    context = question()
    first = handle(context, services)
    before = tables.row("interview_questions")

    assert handle(context, services) == {**first, "cached": True}

    assert len(vendor.calls(PATH)) == 1
    assert tables.row("interview_questions") == before
    assert len(tables.rows("answer_feedback")) == 1


def test_evaluation_with_the_id_of_a_job_for_another_question_fails_for_good(
    question: Callable[..., FakeContext], services: Services, tables: Tables, vendor: OpenAIServer
) -> None:
    """It returned the other question's scores."""
    context = question()
    handle(context, services)
    tables.insert("interview_questions", id="q2", interviewId="i1", question="Why lists?")

    with pytest.raises(
        PermanentError, match=r"job-1 has stored feedback for question 'q1': .* id of its own"
    ):
        handle(FakeContext({**context.data, "questionId": "q2"}), services)

    assert len(vendor.calls(PATH)) == 1


def test_evaluation_after_a_faster_attempt_keeps_its_feedback(
    question: Callable[..., FakeContext], services: Services, tables: Tables
) -> None:
    question()
    with services.database.transaction() as cursor:
        row = records.find_question(cursor, "q1", "i1", "u1")
    fast, slow = assess(REPLY, None), assess({**REPLY, "clarity": 0}, None)
    first = records.save(services.database, "job-1", row, "fast", fast, lambda: None)

    assert records.save(services.database, "job-1", row, "slow", slow, lambda: None) == first
    assert tables.row("interview_questions")["userAnswer"] == "fast"


def test_evaluation_by_another_job_is_a_new_one(
    question: Callable[..., FakeContext], services: Services, tables: Tables
) -> None:
    context = question()
    handle(context, services)

    handle(FakeContext({**EVALUATION, "answer": "To smooth peaks."}, id="job-2"), services)

    assert tables.row("interview_questions")["userAnswer"] == "To smooth peaks."
    assert len(tables.rows("answer_feedback")) == 2


def test_evaluation_that_fails_to_save_leaves_neither_feedback_nor_answer(
    question: Callable[..., FakeContext],
    services: Services,
    tables: Tables,
    fail_updates: Callable[[str], None],
) -> None:
    context = question()
    fail_updates("interview_questions")

    with pytest.raises(TransientError):
        handle(context, services)

    assert tables.rows("answer_feedback") == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"refusal": "No."}, PermanentError),
        ({"finish_reason": "length"}, TransientError),
        ({"content": {**REPLY, "clarity": 11}}, TransientError),
        ({"content": {"correctness": 1}}, TransientError),
    ],
    ids=["refusal", "cut off", "out of range", "incomplete"],
)
def test_evaluation_with_an_unusable_reply_stores_nothing(
    question: Callable[..., FakeContext],
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    fault: dict[str, Any],
    expected: type,
) -> None:
    context = question()
    before = tables.row("interview_questions")
    vendor.order(fault)

    with pytest.raises(expected):
        handle(context, services)

    assert tables.row("interview_questions") == before
    assert tables.rows("answer_feedback") == []


def test_evaluation_of_a_question_that_is_deleted_meanwhile_fails_for_good(
    question: Callable[..., FakeContext],
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    skip_updates: Callable[[str], None],
) -> None:
    context = question()
    vendor.order({"content": REPLY})
    skip_updates("interview_questions")
    with pytest.raises(PermanentError, match="question 'q1' was deleted during the evaluation"):
        handle(context, services)
    assert tables.rows("answer_feedback") == []
