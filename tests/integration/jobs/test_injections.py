"""Prompt injections: the answer stays in its block, the scores are checked and the total is computed here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.errors import TransientError
from preppath_workers.jobs.evaluation import handle
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer

from .conftest import Tables
from .injections import INJECTIONS

PATH = "/v1/chat/completions"
BLOCK = re.compile(r"\n\n<(answer-[0-9a-f]{16})>\n(.*)\n</\1>$", re.DOTALL)
REPLY = {
    "correctness": 8,
    "completeness": 6,
    "clarity": 9,
    "feedback": "Good.",
    "strengths": ["Clear"],
    "improvements": ["Name one more"],
}
#: By the weights 3, 2 and 1 of the criteria below.
TOTAL = 7.5


@pytest.fixture
def ask(tables: Tables) -> Callable[[str], FakeContext]:
    """Make the context of a job that evaluates this answer."""

    def make(answer: str) -> FakeContext:
        tables.insert("interviews", id="i1", userId="u1")
        criteria = {"correctness": 3, "completeness": 2, "clarity": 1, "depth": "Names costs."}
        row = {"question": "Why queues?", "expectedAnswer": "Latency.", "evaluationCriteria": criteria}
        tables.insert("interview_questions", id="q1", interviewId="i1", **row)
        return FakeContext({"questionId": "q1", "interviewId": "i1", "answer": answer, "userId": "u1"})

    return make


def test_injections_cover_every_technique() -> None:
    assert len({*INJECTIONS.values()}) == len(INJECTIONS) >= 30


@pytest.mark.parametrize("answer", [pytest.param(text, id=name) for name, text in INJECTIONS.items()])
def test_prompt_with_an_injection_has_it_once_unchanged_in_its_block(
    ask: Callable[[str], FakeContext],
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    answer: str,
) -> None:
    handle(ask(answer), services)

    [call] = vendor.calls(PATH)
    [system, user] = call["body"]["messages"]
    tag, block = BLOCK.search(user["content"]).groups()
    assert block == answer
    assert (system["content"] + user["content"]).count(answer) == 1
    assert user["content"].count(tag) == 2, "one opening and one closing tag"
    assert tag not in system["content"], "what all prompts share comes first"
    assert tables.row("interview_questions")["userAnswer"] == answer


def test_prompt_delimiter_is_unknown_to_the_answer(
    ask: Callable[[str], FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    context = ask("A list.")
    handle(context, services)
    handle(FakeContext(context.data, id="job-2"), services)

    tags = {BLOCK.search(call["body"]["messages"][1]["content"]).group(1) for call in vendor.calls(PATH)}
    assert len(tags) == 2, "a delimiter is used once"


@pytest.mark.parametrize(
    "more",
    [
        {"total": 10, "totalScore": 10, "score": 10},
        {"weights": {"correctness": 0, "completeness": 0, "clarity": 1}},
        {"evaluationCriteria": {"clarity": 1}, "questionId": "q2", "userId": "u2", "id": "mine"},
        {"__class__": "Assessment", "cached": True, "feedbackId": "mine"},
    ],
    ids=["a total", "weights", "other rows", "our own names"],
)
def test_reply_with_extra_fields_stores_the_scores_alone(
    ask: Callable[[str], FakeContext],
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    more: dict[str, Any],
) -> None:
    vendor.order({"content": {**REPLY, **more}})

    result = handle(ask(INJECTIONS["plain"]), services)

    feedback = tables.row("answer_feedback")
    scores = {"correctness": 8.0, "completeness": 6.0, "clarity": 9.0}
    assert result == {
        "questionId": "q1", "feedbackId": feedback["id"], "score": TOTAL, **scores, "cached": False
    }  # fmt: skip
    assert (feedback["totalScore"], feedback["questionId"], feedback["userId"]) == (TOTAL, "q1", "u1")
    assert feedback["id"] != "mine"
    assert tables.row("interview_questions")["score"] == TOTAL


@pytest.mark.parametrize(
    "scores",
    [
        {"correctness": 100},
        {"correctness": 10.01},
        {"completeness": -1},
        {"clarity": "10"},
        {"clarity": True},
        {"clarity": [10]},
        {"clarity": {"score": 10}},
        {"clarity": None},
        {"clarity": 1e308},
    ],
    ids=str,
)
def test_reply_with_invalid_scores_is_not_stored(
    ask: Callable[[str], FakeContext],
    services: Services,
    tables: Tables,
    vendor: OpenAIServer,
    scores: dict[str, Any],
) -> None:
    context = ask(INJECTIONS["plain"])
    vendor.order({"content": {**REPLY, **scores}})

    with pytest.raises(TransientError):
        handle(context, services)

    assert tables.rows("answer_feedback") == []
    assert context.checkpoints == {}
