"""Tries of jobs that are snoozed between any two of them, as the rate limit of a busy queue does: an attempt
that was snoozed isn't counted, so the tries are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.errors import PermanentError, Snooze
from preppath_workers.jobs import evaluation, tts
from preppath_workers.registry import JobContext
from preppath_workers.testing import FakeContext
from tests.fake_openai.application import RESPONSES
from tests.fake_openai.control import OpenAIServer

from .evaluation_requests import PATH, REPLY, tiers


@dataclass
class BusyContext(FakeContext):
    """The context of a job whose queue has no token left whenever it asks for one."""

    def acquire_token(self) -> None:
        raise Snooze("waiting for the rate limit")


Handle = Callable[[JobContext, Services], Mapping[str, Any]]


def results(handle: Handle, context: FakeContext, services: Services) -> Iterator[Mapping[str, Any]]:
    """Run the job until it isn't snoozed, at most ten times, and yield its result."""
    for _ in range(10):
        again = BusyContext(
            context.data, context.id, priority=context.priority, checkpoints=context.checkpoints
        )
        try:
            yield handle(again, services)
        except Snooze:
            continue
        return
    pytest.fail("the job is snoozed without end")


def test_text_that_is_never_read_word_for_word_is_paid_three_times_however_often_its_job_is_snoozed(
    question: Callable[..., FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    question()
    context = FakeContext({"questionId": "q1", "text": "Why queues?"})
    vendor.order({"path": RESPONSES, "times": 10, "content": "Because."})

    with pytest.raises(PermanentError, match="did not read the text word for word in 3 requests"):
        next(results(tts.handle, context, services))

    assert len(vendor.calls(RESPONSES)) == 3


@pytest.mark.usefixtures("flex")
def test_evaluation_in_a_tier_without_capacity_falls_back_however_often_its_job_is_snoozed(
    question: Callable[..., FakeContext], services: Services, vendor: OpenAIServer
) -> None:
    context = question()
    context.priority = 60
    refusal = {"path": PATH, "status": 429, "code": "resource_unavailable"}
    vendor.order(refusal, refusal, {"content": REPLY}, {**refusal, "times": 10})

    next(results(evaluation.handle, context, services))

    assert tiers(vendor) == ["flex", "flex", None]
