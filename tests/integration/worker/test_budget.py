"""What becomes of jobs whose paid requests have no room in a budget."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest
from redis import Redis

from preppath_workers import NewJob, Queue
from preppath_workers.clients.usage import Usage
from preppath_workers.config.budget import Cap, Caps
from preppath_workers.errors import ServiceError, Snooze
from preppath_workers.registry import JobContext
from preppath_workers.store.keys import Keys
from preppath_workers.worker.attempt.budget import ReservedBudget
from preppath_workers.worker.maintenance.steps import Steps

from .capped_worker import SETTINGS, USED, WORST, CappedWorker, pay
from .one_attempt import next_job


def test_job_within_its_budget_is_settled_to_what_it_cost(capped: CappedWorker) -> None:
    capped.cap(all=1_000, user=1_000, tts=1_000)
    capped.queue.enqueue({"userId": "u1"}, id="a")
    assert capped.work().verdict == "completed"
    assert capped.sums() == capped.sums("queue tts") == capped.sums("user u1") == {"spent": 400}
    job = capped.queue.get("a")
    assert job is not None
    assert job.cost is not None
    assert (job.cost["nano"], job.cost["calls"]) == (400, 1)


@pytest.mark.parametrize("cap", ["all", "tts"])
def test_queue_over_its_budget_is_held_until_the_cap_is_raised(capped: CappedWorker, cap: str) -> None:
    capped.cap(**{cap: 1_399})
    capped.queue.enqueue_many([NewJob({}), NewJob({})])
    assert capped.work().verdict == "completed"
    settlement = capped.work()
    assert (settlement.verdict, settlement.reason) == ("released", "held")
    gate = capped.queue.gate()
    scope = "all" if cap == "all" else "queue tts"
    assert gate.reason == f"budget of {scope} is spent for this day"
    assert 0 < gate.held_ms <= 86_400_000
    capped.keeper.lift_hold("tts")
    assert capped.queue.gate().held_ms
    capped.cap(**{cap: 1_400})
    capped.keeper.lift_hold("tts")
    assert not capped.queue.gate().held_ms
    assert capped.work().verdict == "completed"


def test_user_over_theirs_waits_alone_and_the_job_says_why(capped: CappedWorker) -> None:
    capped.cap(user=1_399)
    capped.queue.enqueue_many(NewJob({"userId": user}) for user in ("u1", "u1", "u2"))
    assert [capped.work().verdict for _ in range(3)] == ["completed", "released", "completed"]
    [waiting] = capped.queue.jobs("delayed")
    assert waiting.stage == "budget of user u1 is spent for this day"
    assert capped.queue.locate(waiting.id).budget == "user u1"
    assert (waiting.attempts, capped.queue.gate().held_ms) == (0, 0)


def test_jobs_of_a_user_start_by_themselves_after_a_raise_as_many_as_fit(capped: CappedWorker) -> None:
    capped.cap(user=1_399)
    capped.queue.enqueue_many(NewJob({"userId": "u1"}) for _ in range(4))
    assert [capped.work().verdict for _ in range(4)] == ["completed", *["released"] * 3]
    assert capped.keeper.promote_capped("tts") == 0
    capped.cap(user=2_400)
    assert capped.keeper.promote_capped("tts") == 2
    assert (capped.queue.counts().waiting, capped.queue.counts().delayed) == (2, 1)
    assert all(job.stage is None for job in capped.queue.jobs("waiting"))
    assert capped.work().verdict == "completed"
    capped.cap()  # no cap any more
    assert capped.keeper.promote_capped("tts") == 1
    assert not capped.queue.redis.exists(capped.queue.keys.capped)


def test_capped_job_that_an_operator_promoted_or_cancelled_is_forgotten(capped: CappedWorker) -> None:
    capped.cap(user=1_399)
    capped.queue.enqueue_many(NewJob({"userId": "u1"}, id=name) for name in ("a", "b", "c"))
    for _ in range(3):
        capped.work()
    capped.queue.promote("b")
    capped.queue.cancel("c")
    capped.cap()
    assert capped.keeper.promote_capped("tts") == 0
    assert not capped.queue.redis.exists(capped.queue.keys.capped)


@pytest.mark.parametrize(
    "error", [ServiceError("s3", "slow down", retry_after=60), Snooze("later", 60)], ids=repr
)
def test_job_that_waits_for_another_reason_does_not_start_when_its_user_has_budget_again(
    capped: CappedWorker, error: Exception
) -> None:
    def fail(context: JobContext) -> None:
        raise error

    capped.cap(user=1_399)
    capped.queue.enqueue_many(NewJob({"userId": "u1"}, id=name) for name in ("a", "b"))
    for _ in range(2):
        capped.work()
    capped.queue.promote("b")
    capped.work(fail)
    assert capped.queue.locate("b").budget is None
    capped.cap()
    assert capped.keeper.promote_capped("tts") == 0


def test_janitor_without_caps_looks_once_whether_some_are_gone(capped: CappedWorker) -> None:
    capped.cap(user=1_399)
    capped.queue.enqueue_many(NewJob({"userId": "u1"}) for _ in range(2))
    for _ in range(2):
        capped.work()
    capped.cap()
    keeper = capped.keeper
    keeper.look_if_due("tts")
    assert capped.queue.counts().waiting == 1
    assert keeper.look_if_due("tts") == float("inf")


def test_janitor_lifts_the_hold_of_a_queue_although_the_gate_of_another_is_broken(
    capped: CappedWorker, redis: Redis, key_prefix: str
) -> None:
    capped.cap(tts=1_399)
    capped.queue.enqueue_many([NewJob({}), NewJob({})])
    assert [capped.work().verdict for _ in range(2)] == ["completed", "released"]
    redis.set(Keys(key_prefix, "broken").gate, "x")
    capped.cap(tts=1_400)
    keeper, steps = capped.keeper, Steps()
    for name in ("broken", "tts"):
        steps.run(name, "keep_budget", partial(keeper.look_if_due, name))
    assert not capped.queue.gate().held_ms


def test_janitor_settles_the_budget_of_a_queue_although_the_ledger_of_another_is_broken(
    capped: CappedWorker, redis: Redis, key_prefix: str
) -> None:
    capped.cap(all=1_000_000)
    capped.queue.enqueue({}, id="a")
    job = next_job(capped.consumer)
    broken = Keys(key_prefix, "broken")
    redis.hset(broken.job("a"), mapping={"state": "waiting", "call:c0": "not JSON"})
    budget = ReservedBudget(capped.config, capped.settings)
    budget.reserve(replace(job, queue="broken"), None, "c0", "gpt-6-luna", 1_000)
    budget.reserve(job, None, "c1", "gpt-6-luna", 1_000)
    capped.consumer.recover()
    assert capped.keeper.settle_open(0) == 1
    assert capped.sums() == {"reserved": 1_000}


def test_request_that_never_fits_sends_its_job_to_the_dead_letters(capped: CappedWorker) -> None:
    capped.cap(all=999)
    capped.queue.enqueue({})
    assert capped.work().verdict == "dead"
    [dead] = capped.queue.dead_letters()
    assert dead.error is not None
    assert dead.error["message"] == ("a request of up to $0.000001 never fits the budget of all for a day")


def test_model_without_a_price_takes_the_queue_out_of_service(capped: CappedWorker) -> None:
    capped.cap(all=1_000)
    capped.queue.enqueue({})

    def unpriced(context: JobContext) -> None:
        with context.payment(Usage("new-model", {"input": 1})):
            raise AssertionError("nothing may be sent")

    assert capped.work(unpriced).closed
    assert "new-model has no price" in (capped.queue.gate().reason or "")


def test_answer_of_a_model_without_a_price_keeps_what_was_reserved(capped: CappedWorker) -> None:
    """It may be dearer than the one that was asked for, which is what the ledger's estimate is for."""
    capped.cap(all=1_000)
    capped.queue.enqueue({})

    def served(context: JobContext) -> None:
        with context.payment(WORST) as payment:
            payment.charge(replace(USED, model="new-model"))

    assert capped.work(served).verdict == "completed"
    assert capped.sums() == {"spent": 1_000}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ServiceError("openai", "no connection"), {}),
        (ServiceError("openai", "silent", may_be_paid=True), {"unknown": 1_000}),
        (RuntimeError("a bug"), {"unknown": 1_000}),
    ],
    ids=["not sent", "no answer", "a bug"],
)
def test_failed_request_is_released_unless_it_may_be_charged(
    capped: CappedWorker, error: Exception, expected: dict[str, int]
) -> None:
    capped.cap(all=1_000)
    capped.queue.enqueue({})

    def fail(context: JobContext) -> None:
        with context.payment(WORST):
            raise error

    capped.work(fail)
    assert capped.sums() == expected


@pytest.mark.parametrize(
    ("is_sent", "expected"), [(False, {}), (True, {"unknown": 1_000})], ids=["not sent", "sent"]
)
def test_budget_of_a_dead_worker_is_released_unless_its_request_was_sent(
    capped: CappedWorker, is_sent: bool, expected: dict[str, int]
) -> None:
    capped.cap(all=1_000)
    capped.queue.enqueue({}, id="a")
    job = next_job(capped.consumer)
    ReservedBudget(capped.config, capped.settings).reserve(job, None, "c1", "gpt-6-luna", 1_000)
    if is_sent:
        call = {"id": "c1", "kind": "open", "model": "gpt-6-luna", "worst": 1_000, "job": "a"}
        capped.consumer.running_job.begin(job)
        capped.consumer.running_job.open_call(job, "c1", json.dumps(call))
    assert capped.keeper.settle_open(0) == 0, "its attempt still runs"
    capped.consumer.recover()
    assert capped.keeper.settle_open(0) == 1
    assert capped.sums() == expected


def test_soft_cap_that_is_reached_is_logged_and_stops_nothing(
    capped: CappedWorker, caplog: pytest.LogCaptureFixture
) -> None:
    capped.settings = replace(SETTINGS, budget=Caps(day=Cap(None, 500)))
    capped.queue.enqueue_many([NewJob({}), NewJob({}), NewJob({})])
    assert [capped.work().verdict for _ in range(3)] == ["completed"] * 3
    reached = [
        record.__dict__["fields"] for record in caplog.records if record.message == "Soft budget reached"
    ]
    assert reached == [{"scope": "queue tts", "period": "day"}]


def test_budget_that_cannot_be_settled_is_left_to_a_janitor(
    capped: CappedWorker, caplog: pytest.LogCaptureFixture
) -> None:
    away = replace(capped.config, redis=replace(capped.config.redis, url="redis://127.0.0.1:9"))
    ReservedBudget(away, capped.settings).settle({"a-call": 400})
    assert "Cannot settle budget, a janitor will" in caplog.text


def test_request_of_a_step_that_fails_after_it_is_settled_at_the_end_of_the_attempt(
    capped: CappedWorker, queue: Queue
) -> None:
    def pay_and_fail(context: JobContext) -> None:
        pay(context)
        raise ServiceError("storage", "no connection")

    capped.cap(all=1_000)
    queue.enqueue({})
    assert (
        capped.work(lambda context: context.step("speech", lambda: pay_and_fail(context))).verdict
        == "delayed"
    )
    assert capped.sums() == {"spent": 400}
