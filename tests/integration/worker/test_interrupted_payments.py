"""A time limit that ends at any moment after an answer: the ledger has what the request cost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from preppath_workers import Queue
from preppath_workers.errors import JobTimeout
from preppath_workers.registry import JobContext
from preppath_workers.worker.attempt import payments
from preppath_workers.worker.attempt.payments import PaymentTerms

from .capped_worker import SETTINGS, USED, WORST, CappedWorker, pay
from .one_attempt import attempt, config_of, consuming

#: Nano-dollars of USED.
COST = 400
#: A limit of tokens, so that the lines which settle them are interrupted too.
TERMS = PaymentTerms(tokens_per_minute=100_000)


class Interrupt:
    """Raises JobTimeout at the nth line of payments.py that is executed once it is armed, as a signal may."""

    def __init__(self, lines: int) -> None:
        self.left = lines
        self.is_armed = False

    @contextmanager
    def traced(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(before)

    def _trace(self, frame: FrameType, event: str, _argument: Any) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != payments.__file__:
            return None
        if event == "line" and self.is_armed:
            self.left -= 1
            if not self.left:
                raise JobTimeout("the job exceeded its time limit")
        return self._trace


@pytest.mark.parametrize("is_step", [False, True], ids=["alone", "in a step"])
def test_request_whose_job_is_interrupted_at_any_line_after_its_answer_is_counted_once(
    queue: Queue,
    redis_url: str,
    key_prefix: str,
    is_step: bool,
) -> None:
    for number in range(1, 200):
        interrupt = Interrupt(number)

        def ask(context: JobContext, interrupt: Interrupt = interrupt) -> str:
            with context.payment(WORST) as payment:
                payment.charge(USED)
                interrupt.is_armed = True
            return "answer"

        def handle(context: JobContext, ask: Callable[[JobContext], str] = ask) -> object:
            return context.step("ask", lambda: ask(context)) if is_step else ask(context)

        queue.enqueue({"number": number}, id=f"j{number}")
        queue.redis.delete(queue.keys.gate)  # three such jobs take a queue out of service
        with consuming(config_of(redis_url, key_prefix), SETTINGS) as consumer, interrupt.traced():
            attempt(consumer, handle, TERMS)

        ended = queue.get(f"j{number}")
        assert ended
        assert ended.cost
        counted = (ended.cost["nano"], ended.cost["calls"], ended.cost["unknownNano"])
        assert counted == (COST, 1, 0), (number, ended.cost)
        if interrupt.left > 0:
            break
        queue.cancel(f"j{number}")
    assert number > 10


def test_budget_of_a_request_that_was_interrupted_before_it_was_sent_is_free_at_once(
    capped: CappedWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object) -> int:
        raise JobTimeout("the job exceeded its time limit")

    monkeypatch.setattr(capped.consumer.running_job, "open_call", interrupt)
    capped.cap(all=1_000)
    capped.queue.enqueue({})

    capped.work(pay)

    assert capped.sums() == {}


def test_budget_of_requests_that_overlap_has_the_cost_of_each(
    capped: CappedWorker,
) -> None:
    """The end of the inner one released what was reserved for the outer one."""

    def overlapping(context: JobContext) -> None:
        with context.payment(WORST) as outer:
            pay(context)
            outer.charge(USED)

    capped.cap(all=1_000_000)
    capped.queue.enqueue({})

    capped.work(overlapping)

    assert capped.sums() == {"spent": 2 * COST}
