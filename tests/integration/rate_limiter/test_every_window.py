"""No window contains more paid requests than the limit, whatever happens to jobs and workers."""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.integration.store.failing import failing
from tests.integration.store.redis_state import NOW, RedisState
from tests.rate_limiter.figures import fullest_window

from .conftest import NewRedisState

INSTANCES, SLOTS = "xy", 3
WORKER_IDS = [f"{instance}:{slot}" for instance in INSTANCES for slot in range(SLOTS)]
WORKER_ID = st.sampled_from(WORKER_IDS)
LEASE, PROBE, FOREVER = 10**9, 500, 10**6

COMPLETE = ("complete", "{}", FOREVER, 10)
ENDS = [
    COMPLETE,
    ("retry", *failing("{}", "unknown", 2, 40, 0)),
    ("retry", *failing("{}", "permanent", 2, 40, 0)),
    ("release", 0, ""),
    ("release", 70, "slow down"),
    ("release", 70, "no key"),
]


class RateLimitMachine(RuleBasedStateMachine):
    """Two instances with three slots, which claim at any time: too early, on time or too late."""

    def __init__(self, new_redis_state: NewRedisState) -> None:
        super().__init__()
        self.redis_state: RedisState = new_redis_state()
        self.now = NOW
        self.jobs = 0
        #: By worker id: its job's id and fencing token.
        self.runs: dict[str, tuple[str, str]] = {}
        self.paid: list[int] = []

    @initialize(limit=st.integers(1, 4), duration=st.sampled_from([1, 50, 1_000]))
    def open(self, limit: int, duration: int) -> None:
        self.limit, self.duration = limit, duration
        for instance in INSTANCES:
            self.call("heartbeat", instance, LEASE, SLOTS, 0, 0, 0, 0)

    def call(self, name: str, *arguments: str | int) -> list[Any]:
        reply: list[Any] = self.redis_state.call(name, *arguments, now=self.now)
        return reply

    @rule(
        priority=st.sampled_from([50, 50, 50, 1, 99]),
        delay=st.sampled_from([0, 0, 60]),
        count=st.integers(1, 5),
    )
    def enqueue(self, priority: int, delay: int, count: int) -> None:
        for _ in range(count):
            self.call("enqueue", f"j{self.jobs}", "{}", priority, delay)
            self.jobs += 1

    @rule(ms=st.sampled_from([0, 1, 49, 50, 51, 500, 999, 1_000, 1_001, 5_000]))
    def time_passes(self, ms: int) -> None:
        self.now += ms

    @rule(worker_id=WORKER_ID, answer_is_lost=st.booleans())
    def asks(self, worker_id: str, answer_is_lost: bool) -> None:
        if answer_is_lost and worker_id not in self.runs:
            self.call("claim", *worker_id.split(":"), LEASE, self.limit, self.duration, PROBE)
        self.ask(worker_id)

    def ask(self, worker_id: str) -> int:
        """Claim; return the ms to wait, 0 if the slot has a job or the queue is empty."""
        if worker_id in self.runs:
            return 0
        match self.call("claim", *worker_id.split(":"), LEASE, self.limit, self.duration, PROBE):
            case ["job", job_id]:
                job = self.redis_state.redis.hgetall(self.redis_state.keys.job(job_id))
                self.runs[worker_id] = (job_id, job["fencingToken"])
                self.paid.append(int(job["startedAt"]))
            case ["wait", ms]:
                return int(ms)
        return 0

    @rule(worker_id=WORKER_ID)
    def pays_for_another_request(self, worker_id: str) -> None:
        job_id, fencing_token = self.runs.get(worker_id, ("", ""))
        if job_id and self.call(
            "acquire_token", job_id, worker_id, fencing_token, self.limit, self.duration
        ) == ["ok"]:
            self.paid.append(self.now)

    @rule(worker_id=WORKER_ID, how=st.sampled_from(ENDS))
    def ends(self, worker_id: str, how: tuple[str | int, ...]) -> None:
        if held := self.runs.pop(worker_id, None):
            assert self.call(str(how[0]), held[0], worker_id, held[1], *how[1:]) != ["lost"]

    @rule(worker_id=WORKER_ID, in_order=st.booleans())
    def dies(self, worker_id: str, in_order: bool) -> None:
        self.runs.pop(worker_id, None)
        self.call("recover", worker_id, "0" if in_order else "1", FOREVER)

    @rule(instance=st.sampled_from(INSTANCES))
    def stops(self, instance: str) -> None:
        self.runs = {
            worker_id: held for worker_id, held in self.runs.items() if not worker_id.startswith(instance)
        }
        self.call("leave", instance)
        self.call("heartbeat", instance, LEASE, SLOTS, 0, 0, 0, 0)

    @rule(number=st.integers(0, 40))
    def cancel(self, number: int) -> None:
        self.call("cancel", f"j{number}", FOREVER)

    @rule()
    def promote(self) -> None:
        self.call("promote_due", 100)

    @invariant()
    def no_window_holds_too_many(self) -> None:
        if self.paid:
            assert fullest_window(self.paid, self.duration) <= self.limit, self.paid

    def teardown(self) -> None:
        """Check that nothing is stuck: the slots can still drain the queue."""
        for _ in range(20 * (self.jobs + 10) if self.jobs else 0):
            waits = [self.ask(worker_id) for worker_id in WORKER_IDS]
            self.no_window_holds_too_many()
            busy = [*self.runs]
            for worker_id in busy:
                self.ends(worker_id, COMPLETE)
            if (
                not busy
                and not any(waits)
                and not self.redis_state.redis.zcard(self.redis_state.keys.delayed)
            ):
                break
            self.now += max(1, min(filter(None, waits), default=60))
            self.promote()
        left = self.redis_state.read()
        assert not {"wait", "active", "delayed", "reservations"} & left.keys(), left


def test_rate_limit_in_any_sequence_of_transitions_is_kept_in_every_window(
    new_redis_state: NewRedisState,
) -> None:
    run_state_machine_as_test(
        partial(RateLimitMachine, new_redis_state), settings=settings(stateful_step_count=30)
    )


def test_reservations_behind_one_that_was_given_up_are_kept_in_their_order(
    new_redis_state: NewRedisState,
) -> None:
    machine = RateLimitMachine(new_redis_state)
    machine.open(limit=1, duration=1)
    machine.enqueue(priority=50, delay=0, count=5)
    machine.asks("x:0", answer_is_lost=False)
    machine.asks("x:1", answer_is_lost=False)
    machine.pays_for_another_request("x:0")
    machine.teardown()
