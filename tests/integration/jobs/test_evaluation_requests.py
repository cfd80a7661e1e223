"""What evaluations ask OpenAI for: a service tier, and a prompt that it can cache."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.errors import RateLimited
from preppath_workers.jobs.evaluation import handle, prompt
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer

from .evaluation_requests import PATH, REPLY, tiers


@pytest.mark.usefixtures("flex")
@pytest.mark.parametrize(
    "refusal",
    [{"status": 429, "code": "resource_unavailable"}, {"status": 498, "code": "capacity_exceeded"}],
    ids=["OpenAI", "Groq"],
)
def test_evaluation_in_a_tier_without_capacity_falls_back_to_the_default(
    question: Callable[..., FakeContext], services: Services, vendor: OpenAIServer, refusal: dict[str, object]
) -> None:
    context = replace(question(), priority=60)
    vendor.order({"path": PATH, "times": 2, **refusal}, {"content": REPLY})
    assert handle(context, services)["cached"] is False
    assert tiers(vendor) == ["flex", "flex", None]
    assert context.tokens == 2  # each further request has one of the rate limit
    assert len(context.charges) == 1


@pytest.mark.usefixtures("flex")
def test_evaluation_of_an_urgent_job_asks_for_no_tier(
    question: Callable[..., FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    handle(question(), services)
    assert tiers(vendor) == [None]


@pytest.mark.usefixtures("flex")
def test_evaluation_limited_by_rate_in_a_tier_still_holds_the_queue(
    question: Callable[..., FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    vendor.order({"path": PATH, "status": 429, "code": "rate_limit_exceeded"})
    with pytest.raises(RateLimited):
        handle(replace(question(), priority=60), services)
    assert tiers(vendor) == ["flex"]


def test_messages_for_one_question_have_a_common_beginning() -> None:
    question = {"question": "Why queues?", "category": "c", "difficulty": "d", "expectedAnswer": "e"}
    described = prompt.described({**question, "evaluationCriteria": None})
    first, second = (prompt.messages(described, answer) for answer in "ab")
    assert first[0] == second[0]
    tag = re.compile(r"<answer-.*", re.DOTALL)
    assert tag.sub("", str(first[1]["content"])) == tag.sub("", str(second[1]["content"]))


def test_requests_for_one_question_have_the_same_cache_key_and_only_openai_gets_it(
    question: Callable[..., FakeContext],
    services: Services,
    vendor: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = question()
    vendor.order(*[{"content": REPLY}] * 3)
    handle(context, services)
    monkeypatch.setattr("preppath_workers.clients.openai.client.is_openai", lambda _: True)
    row = {"category": None, "difficulty": None, "expectedAnswer": None, "evaluationCriteria": None}
    keys = [
        prompt.cache_key(prompt.described({"question": each, **row}))
        for each in ("Why queues?", "Why lists?")
    ]
    for key in keys:
        services.openai.evaluate([{"role": "user", "content": "Judge."}], prompt.SCHEMA, cache_key=key)
    sent = [call["body"].get("prompt_cache_key") for call in vendor.calls(PATH)]
    assert sent == [None, *keys]
    assert len({*keys}) == 2
    assert all(len(key) <= 64 for key in keys)
