"""What handlers say that their requests used: never less than nothing, and no answer is lost by it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from preppath_workers import JobContext, Queue, job
from preppath_workers.clients.usage import Usage
from preppath_workers.store.job import Job
from preppath_workers.testing import FakeContext, drain

MODEL = "gpt-6-luna"
#: 1,000 nano-dollars.
WORST = Usage(MODEL, {"output": 2})

NO_USAGES: list[Any] = [
    Usage(MODEL, {"output": -5}),
    Usage(MODEL, {"output": 10**12}),
    Usage(MODEL, {"output": 1.5}),  # type: ignore[dict-item]
    Usage(MODEL, {"output": True}),
    Usage(MODEL, {"output": None}),  # type: ignore[dict-item]
    Usage(MODEL, {"calls": 5}),
    Usage(MODEL, ["output"]),  # type: ignore[arg-type]
    Usage(MODEL, seconds=Decimal(-1)),
    Usage(MODEL, seconds=Decimal("NaN")),
    Usage(MODEL, seconds="2"),  # type: ignore[arg-type]
    Usage(MODEL, characters=-1),
    Usage(MODEL, {"output": 2}, reasoning_tokens=-1),
    Usage(None, {"output": 2}),  # type: ignore[arg-type]
    Usage(MODEL, {"output": 2}, tier=1),  # type: ignore[arg-type]
    Usage(MODEL, {"output": 2}, request_id=uuid.UUID(int=1)),  # type: ignore[arg-type]
    {"output": 2},
    None,
]


@pytest.fixture
def charged(queue: Queue) -> Callable[..., Job]:
    """Run a job whose request has these usages; return it as it is at the end."""

    def run(*usages: Any, worst_case: Any = WORST) -> Job:
        @job("tts", retries=0)
        def pay(context: JobContext) -> str:
            def ask() -> str:
                with context.payment(worst_case) as payment:
                    for usage in usages:
                        payment.charge(usage)
                    return "answer"

            answer: str = context.step("ask", ask)
            return answer

        queue.enqueue({}, id="j")
        return drain(queue, pay)[0]

    return run


def sums(ended: Job) -> tuple[int, int, int]:
    assert ended.cost
    return ended.cost["nano"], ended.cost["calls"], ended.cost["unknownNano"]


@pytest.mark.parametrize("usage", NO_USAGES, ids=repr)
def test_charge_that_cannot_be_counted_counts_the_most_and_keeps_the_answer(
    charged: Callable[..., Job], usage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        ended = charged(usage)

    assert (ended.state, ended.result) == ("completed", "answer")
    assert sums(ended) == (1_000, 1, 0)
    [problem, call] = [record for record in caplog.records if "fields" in vars(record)]
    assert problem.getMessage() == "Cannot count what a paid request used"
    assert vars(call)["fields"]["kind"] == "estimated"


def test_charge_that_cannot_be_counted_leaves_an_earlier_one(charged: Callable[..., Job]) -> None:
    assert sums(charged(Usage(MODEL, {"output": 1}), Usage(MODEL, {"output": -1}))) == (500, 1, 0)


@pytest.mark.parametrize("worst_case", NO_USAGES, ids=repr)
def test_payment_with_a_worst_case_that_cannot_be_counted_raises_before_anything_is_sent(
    charged: Callable[..., Job], worst_case: Any
) -> None:
    ended = charged(Usage(MODEL, {"output": 1}), worst_case=worst_case)

    assert ended.cost is None
    assert ended.error
    assert ended.error["class"] == "ValueError"


@pytest.mark.parametrize(
    ("usage", "nano"),
    [
        (Usage("gpt-transcribe", seconds=2.5), 187_500),  # type: ignore[arg-type]
        (Usage("gpt-transcribe", seconds=2), 150_000),  # type: ignore[arg-type]
        (Usage("m\ud83d" * 500, {"output": 2}), 0),
    ],
    ids=["a float", "a whole number", "a name that is not text"],
)
def test_charge_takes_what_stands_for_a_number_or_a_name(
    charged: Callable[..., Job], usage: Usage, nano: int
) -> None:
    ended = charged(usage, worst_case=usage)

    assert (ended.state, sums(ended)) == ("completed", (nano, 1, 0))


@pytest.mark.parametrize("wrong", NO_USAGES, ids=repr)
def test_fake_context_raises_for_a_usage_that_cannot_be_counted(wrong: Any) -> None:
    """So that a test finds it."""
    with pytest.raises(ValueError, match="must be"), FakeContext().payment(wrong):
        pass
    with FakeContext().payment(WORST) as payment, pytest.raises(ValueError, match="must be"):
        payment.charge(wrong)


@pytest.mark.parametrize(
    ("asked", "nano", "kind"),
    [(MODEL, 500, "estimated"), ("a-model-without-a-price", None, "actual")],
    ids=["priced", "without a price too"],
)
def test_answer_of_a_model_without_a_price_is_estimated_by_the_price_of_the_one_asked_for(
    charged: Callable[..., Job], caplog: pytest.LogCaptureFixture, asked: str, nano: int | None, kind: str
) -> None:
    with caplog.at_level(logging.INFO):
        charged(Usage("vendor/luna", {"output": 1}), worst_case=Usage(asked, {"output": 2}))

    [warning, call] = [record for record in caplog.records if "endor call" in record.getMessage()]
    assert warning.getMessage() == "No price for vendor call"
    found = vars(call)["fields"]
    assert (found["model"], found["kind"], found.get("nano")) == ("vendor/luna", kind, nano)
