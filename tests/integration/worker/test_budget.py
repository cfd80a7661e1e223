"""What becomes of jobs whose paid requests have no room in a budget."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, cast

import pytest
from redis import Redis

from preppath_workers import NewJob, Queue
from preppath_workers.clients.services import Services
from preppath_workers.clients.usage import Usage
from preppath_workers.config.budget import Budget, Cap, Caps
from preppath_workers.config.load import load
from preppath_workers.config.model import Config, QueueConfig
from preppath_workers.errors import ServiceError
from preppath_workers.registry import JobContext
from preppath_workers.store.connections.clients import Clients
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.store.consuming.outcome import Finished, Settlement
from preppath_workers.store.job import Job
from preppath_workers.store.keys import Keys
from preppath_workers.worker.attempt.budget import ReservedBudget
from preppath_workers.worker.attempt.execution import WorkerContext, run
from preppath_workers.worker.attempt.payments import PaymentTerms
from preppath_workers.worker.maintenance.budget_keeper import BudgetKeeper
from tests.support.minimal_env import MINIMAL_ENV

SETTINGS = QueueConfig("tts", backoff=0.0)
#: A request of at most 1,000 nano-dollars that costs 400.
WORST, USED = Usage("gpt-6-luna", {"output": 2}), Usage("gpt-6-luna", {"input": 4})


def pay(context: JobContext) -> None:
    with context.payment(WORST) as payment:
        payment.charge(USED)


@pytest.fixture
def queue(redis: Redis, key_prefix: str) -> Queue:
    return Queue("tts", redis, key_prefix)


class Stage:
    """One worker's slot and a janitor's keeper, under caps of the day."""

    def __init__(self, redis_url: str, prefix: str, queue: Queue) -> None:
        self._config = load({**MINIMAL_ENV, "REDIS_URL": redis_url, "KEY_PREFIX": prefix}, [])
        self._keys = Keys(prefix, "budget")
        self.queue = queue
        self.consumer = Consumer(self._config, SETTINGS, "host", 0)
        self.settings = SETTINGS
        self.cap()

    def cap(self, **nano: int | None) -> None:
        """Set the caps: of `all`, of each `user`, of the queue `tts`."""
        caps = {name: Caps(day=Cap(nano.get(name))) for name in ("all", "user", "tts")}
        self.config: Config = replace(self._config, budget=Budget(caps["all"], caps["user"]))
        self.settings = replace(SETTINGS, budget=caps["tts"])

    def work(self, handle: Callable[[JobContext], object] = pay) -> Settlement:
        """Run the next job's attempt and settle it."""
        job = self.next_job()
        terms = PaymentTerms(budget=ReservedBudget(self.config, self.settings))
        context = WorkerContext(
            lambda context, _: handle(context),
            cast("Services", None),
            self.consumer.running_job,
            1.0,
            (),
            terms,
        )
        settlement = self.consumer.settle(Finished(job, run(job, context, nullcontext()), 0))
        assert settlement
        return settlement

    def next_job(self) -> Job:
        self.consumer.settle_and_fetch()
        job = self.consumer.next_job()
        assert isinstance(job, Job)
        return job

    @property
    def keeper(self) -> BudgetKeeper:
        clients = Clients.prompt(self.config.redis, 5.0)
        return BudgetKeeper(self.config, clients, {"tts": self.settings})

    def sums(self, scope: str = "all") -> dict[str, int]:
        """What is spent, reserved and perhaps spent today."""
        redis: Any = self.queue.redis
        [key] = [*redis.scan_iter(match=self._keys.budget("????-??-??"))] or [self._keys.budget("none")]
        found = {
            name: int(redis.hget(key, f"{name} {scope}") or 0) for name in ("spent", "reserved", "unknown")
        }
        return {name: amount for name, amount in found.items() if amount}


@pytest.fixture
def stage(redis_url: str, key_prefix: str, queue: Queue) -> Iterator[Stage]:
    made = Stage(redis_url, key_prefix, queue)
    yield made
    made.consumer.disconnect()


def test_job_within_its_budget_is_settled_to_what_it_cost(stage: Stage) -> None:
    stage.cap(all=1_000, user=1_000, tts=1_000)
    stage.queue.enqueue({"userId": "u1"}, id="a")
    assert stage.work().verdict == "completed"
    assert stage.sums() == stage.sums("queue tts") == stage.sums("user u1") == {"spent": 400}
    job = stage.queue.get("a")
    assert job is not None
    assert job.cost is not None
    assert (job.cost["nano"], job.cost["calls"]) == (400, 1)


@pytest.mark.parametrize("cap", ["all", "tts"])
def test_queue_over_its_budget_is_held_until_the_cap_is_raised(stage: Stage, cap: str) -> None:
    stage.cap(**{cap: 1_399})
    stage.queue.enqueue_many([NewJob({}), NewJob({})])
    assert stage.work().verdict == "completed"
    settlement = stage.work()
    assert (settlement.verdict, settlement.reason) == ("released", "held")
    gate = stage.queue.gate()
    scope = "all" if cap == "all" else "queue tts"
    assert gate.reason == f"budget of {scope} is spent for this day"
    assert 0 < gate.held_ms <= 86_400_000
    stage.keeper.lift_holds()
    assert stage.queue.gate().held_ms
    stage.cap(**{cap: 1_400})
    stage.keeper.lift_holds()
    assert not stage.queue.gate().held_ms
    assert stage.work().verdict == "completed"


def test_user_over_theirs_waits_alone_and_the_job_says_why(stage: Stage) -> None:
    stage.cap(user=1_399)
    stage.queue.enqueue_many(NewJob({"userId": user}) for user in ("u1", "u1", "u2"))
    assert [stage.work().verdict for _ in range(3)] == ["completed", "released", "completed"]
    [waiting] = stage.queue.jobs("delayed")
    assert waiting.stage == "budget of user u1 is spent for this day"
    assert (waiting.attempts, stage.queue.gate().held_ms) == (0, 0)


def test_jobs_of_a_user_start_by_themselves_after_a_raise_as_many_as_fit(stage: Stage) -> None:
    stage.cap(user=1_399)
    stage.queue.enqueue_many(NewJob({"userId": "u1"}) for _ in range(4))
    assert [stage.work().verdict for _ in range(4)] == ["completed", *["released"] * 3]
    assert stage.keeper.promote_capped() == 0
    stage.cap(user=2_400)
    assert stage.keeper.promote_capped() == 2
    assert (stage.queue.counts().waiting, stage.queue.counts().delayed) == (2, 1)
    assert all(job.stage is None for job in stage.queue.jobs("waiting"))
    assert stage.work().verdict == "completed"
    stage.cap()  # no cap any more
    assert stage.keeper.promote_capped() == 1
    assert not stage.queue.redis.exists(stage.queue.keys.capped)


def test_capped_job_that_an_operator_promoted_or_cancelled_is_forgotten(stage: Stage) -> None:
    stage.cap(user=1_399)
    stage.queue.enqueue_many(NewJob({"userId": "u1"}, id=name) for name in ("a", "b", "c"))
    for _ in range(3):
        stage.work()
    stage.queue.promote("b")
    stage.queue.cancel("c")
    stage.cap()
    assert stage.keeper.promote_capped() == 0
    assert not stage.queue.redis.exists(stage.queue.keys.capped)


def test_janitor_without_caps_looks_once_whether_some_are_gone(stage: Stage) -> None:
    stage.cap(user=1_399)
    stage.queue.enqueue_many(NewJob({"userId": "u1"}) for _ in range(2))
    for _ in range(2):
        stage.work()
    stage.cap()
    keeper = stage.keeper
    keeper.look_if_due("tts")
    assert stage.queue.counts().waiting == 1
    assert keeper.look_if_due("tts") == float("inf")


def test_request_that_never_fits_sends_its_job_to_the_dead_letters(stage: Stage) -> None:
    stage.cap(all=999)
    stage.queue.enqueue({})
    assert stage.work().verdict == "dead"
    [dead] = stage.queue.dead_letters()
    assert dead.error is not None
    assert dead.error["message"] == ("a request of up to $0.000001 never fits the budget of all for a day")


def test_model_without_a_price_takes_the_queue_out_of_service(stage: Stage) -> None:
    stage.cap(all=1_000)
    stage.queue.enqueue({})

    def unpriced(context: JobContext) -> None:
        with context.payment(Usage("new-model", {"input": 1})):
            raise AssertionError("nothing may be sent")

    assert stage.work(unpriced).closed
    assert "new-model has no price" in (stage.queue.gate().reason or "")


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
    stage: Stage, error: Exception, expected: dict[str, int]
) -> None:
    stage.cap(all=1_000)
    stage.queue.enqueue({})

    def fail(context: JobContext) -> None:
        with context.payment(WORST):
            raise error

    stage.work(fail)
    assert stage.sums() == expected


@pytest.mark.parametrize(
    ("is_sent", "expected"), [(False, {}), (True, {"unknown": 1_000})], ids=["not sent", "sent"]
)
def test_budget_of_a_dead_worker_is_released_unless_its_request_was_sent(
    stage: Stage, is_sent: bool, expected: dict[str, int]
) -> None:
    stage.cap(all=1_000)
    stage.queue.enqueue({}, id="a")
    job = stage.next_job()
    ReservedBudget(stage.config, stage.settings).reserve(job, None, "c1", "gpt-6-luna", 1_000)
    if is_sent:
        call = {"id": "c1", "kind": "open", "model": "gpt-6-luna", "worst": 1_000, "job": "a"}
        stage.consumer.running_job.begin(job)
        stage.consumer.running_job.open_call(job, "c1", json.dumps(call))
    assert stage.keeper.settle_open(0) == 0, "its attempt still runs"
    stage.consumer.recover()
    assert stage.keeper.settle_open(0) == 1
    assert stage.sums() == expected


def test_soft_cap_that_is_reached_is_logged_and_stops_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.settings = replace(SETTINGS, budget=Caps(day=Cap(None, 500)))
    stage.queue.enqueue_many([NewJob({}), NewJob({}), NewJob({})])
    assert [stage.work().verdict for _ in range(3)] == ["completed"] * 3
    reached = [
        record.__dict__["fields"] for record in caplog.records if record.message == "Soft budget reached"
    ]
    assert reached == [{"scope": "queue tts", "period": "day"}]


def test_budget_that_cannot_be_settled_is_left_to_a_janitor(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    away = replace(stage.config, redis=replace(stage.config.redis, url="redis://127.0.0.1:9"))
    ReservedBudget(away, stage.settings).settle({"a-call": 400})
    assert "Cannot settle budget, a janitor will" in caplog.text
