"""What the package offers for tests of own jobs."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import fakeredis
import pytest
from redis import Redis

from preppath_workers import InvalidJob, JobContext, PermanentError, Queue, TransientError, job
from preppath_workers.errors import JobCancelled, JobLost, MachineError, Snooze
from preppath_workers.registry import JobType
from preppath_workers.testing import FakeContext, drain, run_job
from preppath_workers.worker.attempt.arguments import percentage
from tests.support.waiting import eventually


@dataclass
class Sum:
    numbers: list[int]
    fails: int = 0


attempts: list[str] = []


@job("sum", rate_limit="1/60", retries=2)
def add(context: JobContext, data: Sum) -> dict[str, int]:
    attempts.append(context.id)
    total = context.step("total", lambda: sum(data.numbers))
    context.progress(50, "added")
    if attempts.count(context.id) <= data.fails:
        raise TransientError("again")
    return {"total": total}


@pytest.fixture(params=["real", "fake"])
def queue(request: pytest.FixtureRequest, redis: Redis, key_prefix: str) -> Queue:
    attempts.clear()
    client = redis if request.param == "real" else fakeredis.FakeRedis()
    return Queue("sum", client, key_prefix)


def test_fake_context_records_what_the_function_does() -> None:
    context = FakeContext()
    assert add(context, Sum([1, 2])) == {"total": 3}
    assert (context.reported, context.stages, context.checkpoints) == ([50], ["added"], {"total": 3})
    assert add(context.again(), Sum([])) == {"total": 3}


def test_run_job_checks_data_and_result_as_a_worker_does() -> None:
    assert run_job(add, {"numbers": [1, 2]}) == {"total": 3}
    with pytest.raises(InvalidJob, match=r"numbers\[0\] must be a whole number"):
        run_job(add, {"numbers": ["1"]})

    @job("odd")
    def odd(context: JobContext) -> object:
        return object()

    with pytest.raises(PermanentError, match="cannot store the handler's result"):
        run_job(odd, {})


def test_drain_runs_the_waiting_jobs_in_this_process(queue: Queue) -> None:
    good = queue.enqueue({"numbers": [1, 2]})
    bad = queue.enqueue({"numbers": None})
    ended = drain(queue, add)
    assert [(each.id, each.state) for each in ended] == [(good.id, "completed"), (bad.id, "failed")]
    assert good.wait(1) == {"total": 3}
    assert bad.status().reason == "invalid"
    assert queue.counts().workers == 0


def test_drain_ends_a_group_also_if_one_of_its_jobs_has_expired(queue: Queue) -> None:
    queue.enqueue({"numbers": [1]}, group="g", group_size=2)
    late = queue.enqueue({"numbers": [1]}, group="g", expires=0.001)
    eventually(lambda: queue.now() > (late.status().expires_at or 0))
    assert [each.state for each in drain(queue, add)] == ["completed"]
    group = queue.group("g")
    assert group
    assert (group.has_ended, group.outcomes["completed"], group.outcomes["expired"]) == (True, 1, 1)


def test_drain_of_delayed_jobs_runs_retries_too(queue: Queue) -> None:
    ref = queue.enqueue({"numbers": [1], "fails": 2})
    assert [each.state for each in drain(queue, add)] == ["delayed"]
    assert [each.state for each in drain(queue, add, delayed=True)] == ["delayed", "completed"]
    assert ref.status().failures == 2


@job("download", retries=1)
def download(context: JobContext, data: dict[str, int]) -> dict[str, int]:
    attempts.append(context.id)
    text = context.step("page", lambda: b"x" if not data["size"] else "x" * data["size"])
    if context.attempt == 1:
        raise TransientError("again")
    return {"size": len(text)}


def test_step_without_a_bucket_keeps_up_to_a_megabyte_with_the_job(queue: Queue) -> None:
    for size in (500_000, 2_000_000, 0):
        queue.enqueue({"size": size}, id=f"j{size}")
    drain(queue, download, delayed=True)
    kept, large, wrong = (queue.ref(f"j{size}").status() for size in (500_000, 2_000_000, 0))
    assert kept.result == {"size": 500_000}
    assert [job.reason for job in (large, wrong)] == ["permanent"] * 2
    assert "the result of step page: 2,000,013 bytes of JSON; without S3_BUCKET" in str(large.error)
    assert "cannot store the result of step page (bytes) as JSON" in str(wrong.error)


@job("sum")
def lack(context: JobContext) -> None:
    attempts.append(context.id)
    raise MachineError("disk", "no space left")


@job("sum")
def postpone(context: JobContext) -> None:
    attempts.append(context.id)
    context.snooze(5)


@pytest.mark.parametrize("queue", ["real"], indirect=True)
@pytest.mark.parametrize("function", [lack, postpone])
def test_drain_of_a_job_that_never_ends_raises(queue: Queue, function: JobType) -> None:
    ref = queue.enqueue({})
    with pytest.raises(RuntimeError, match=f"job {ref.id} has run 100 times and is delayed again"):
        drain(queue, function, delayed=True)
    assert len(attempts) == 100


@job("sum")
def search(context: JobContext) -> None:
    attempts.append(context.id)
    context.not_found("picture 'p1' does not exist")


@pytest.mark.parametrize("queue", ["real"], indirect=True)
def test_drain_of_a_job_that_names_what_does_not_exist_ends(queue: Queue) -> None:
    ref = queue.enqueue({})
    drain(queue, search, delayed=True)
    ended = ref.status()
    assert (ended.state, ended.reason, ended.attempts) == ("failed", "permanent", 1)
    assert ended.error is not None
    assert ended.error["message"].startswith("picture 'p1' does not exist: ")


def test_fake_context_refuses_a_step_that_is_not_json() -> None:
    with pytest.raises(PermanentError, match=r"cannot store the result of step page \(bytes\) as JSON"):
        FakeContext().step("page", lambda: b"x")


class Step(str, enum.Enum):  # noqa: UP042 - a StrEnum prints as its value
    PAY = "pay"


@pytest.mark.parametrize("name", [Step.PAY, 5, ("a", 1), "half \ud83d", "a\x00b"], ids=ascii)
def test_step_with_any_name_is_not_paid_again(redis: Redis, key_prefix: str, name: Any) -> None:
    """The name is stored as text; a later attempt has to find it."""
    paid: list[int] = []

    @job("anyname", backoff=0)
    def pay(context: JobContext) -> int:
        context.step(name, lambda: paid.append(context.attempt))
        if context.attempt == 1:
            raise TransientError("later")
        return context.attempt

    queue = Queue("anyname", redis, key_prefix)
    queue.enqueue({})
    assert drain(queue, pay, delayed=True)[-1].result == 2
    assert paid == [1]
    context = FakeContext()
    assert [context.step(name, lambda: 1), context.again().step(name, lambda: 2)] == [1, 1]


def test_context_of_the_next_attempt_is_of_the_same_job_and_has_recorded_nothing() -> None:
    context = FakeContext({"n": 1}, "j", "q", priority=3, traceparent="00-1-2-00", time_left=9.0)
    context.progress(10, "resizing")
    context.acquire_token()
    context.step("a", lambda: 1)
    again = context.again()
    assert (again.data, again.id, again.queue, again.priority) == ({"n": 1}, "j", "q", 3)
    assert (again.attempt, again.traceparent, again.time_left) == (2, "00-1-2-00", 9.0)
    assert (again.reported, again.stages, again.tokens, again.checkpoints) == ([], [], 0, {"a": 1})


@pytest.mark.parametrize("wrong", ["5", None, True, float("nan")], ids=ascii)
def test_progress_or_snooze_that_is_no_number_is_refused_as_by_a_worker(wrong: Any) -> None:
    context = FakeContext()
    with pytest.raises(ValueError, match="percent must be a number, not"):
        context.progress(wrong)
    with pytest.raises(ValueError, match="second"):
        context.snooze(wrong)


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(Decimal("12.5"), 12.5), (Fraction(1, 4), 0.25), (10**400, 100.0), (-1, 0.0)],
    ids=ascii,
)
def test_progress_is_any_kind_of_number(percent: Any, expected: float) -> None:
    FakeContext().progress(percent)
    assert percentage(percent) == expected


def test_fake_context_that_snoozes_raises_the_seconds() -> None:
    with pytest.raises(Snooze) as raised:
        FakeContext({}).snooze(7)
    assert raised.value.seconds == 7


def test_data_that_lua_can_read_and_python_cannot_is_refused_with_the_reason(
    redis: Redis, key_prefix: str
) -> None:
    queue = Queue("sum", redis, key_prefix)
    queue.redis.lpush(queue.keys.wait, f'{{"$id": "a", "numbers": [{"9" * 5_000}]}}')

    [ended] = drain(queue, add)

    assert ended.reason == "invalid"
    assert ended.error
    assert ended.error["message"].startswith("cannot read data as JSON: ")


@pytest.mark.parametrize("error", [JobLost("earlier"), JobCancelled("earlier")], ids=str)
def test_drain_of_a_job_that_says_that_it_is_lost_or_cancelled_ends(
    queue: Queue, error: BaseException
) -> None:
    @job("mail", retries=1)
    def lost(context: JobContext) -> None:
        raise error

    queue.enqueue({})
    [retried, failed] = drain(queue, lost, delayed=True)
    assert (retried.failures, failed.reason) == (1, "retries")
