"""Paid requests under a cap: the steps of workers and of workers thought dead, the vendor's own account, and
what must be true of ledger and budget after each move."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from redis.exceptions import RedisError

from preppath_workers.errors import JobCancelled, JobLost
from preppath_workers.store.consuming.outcome import Outcome, Released
from preppath_workers.store.consuming.running_job import RunningJob
from preppath_workers.store.job import Job
from preppath_workers.store.keys import Keys
from tests.integration.store.redis_state import State

from .actors import Caller
from .proxy import Proxy

#: The initial cap, and by how much an operator raises it (nano-dollars).
_CAP, _RAISE = 2_000, 1_500
#: How long a job is delayed while other reservations leave it no room (ms).
_DELAY = 300
#: Later than any run ends: a queue over its cap is held until the day does (ms).
_REST_OF_DAY = 10**8

_NAMES = ("spent", "reserved", "unknown")


class Money:
    """The budget of one run, and what the vendor charged."""

    def __init__(self, proxy: Proxy, prefix: str, queue: Caller, random: Random, say: Callable[[str], None]):
        self.keys = Keys(prefix, "budget")
        self.queue, self.budget = queue, Caller(proxy, self.keys.base)
        self.random, self.say = random, say
        self.cap = _CAP
        #: What each call that reached the vendor costs.
        self.charged: dict[str, int] = {}
        #: The calls that were sent, whether they are charged or not.
        self.sent: set[str] = set()
        self._proxy = proxy
        self._made = 0
        #: Calls of jobs that no longer exist, in their last state.
        self._calls: dict[str, dict[str, Any]] = {}

    def new_id(self) -> str:
        """Return the id of another call."""
        self._made += 1
        return f"c{self._made}"

    def sweep(self) -> None:
        """Do what a janitor does; see `worker/budget_keeper.py`."""
        try:
            found = self.budget("open_reservations", 0, 100)
            for call, text in zip(found[::2], found[1::2], strict=True):
                record = json.loads(text)
                status, *cost = self.queue("call_status", record["job"], record["token"], call)
                if status != "running":
                    outcome = cost[0] if status == "paid" else status
                    settled = self.budget("settle_reservations", call, outcome)[0]
                    self.say(f"sweep: {call} {outcome} ({settled})")
        except RedisError as error:
            self.say(f"sweep: {error}")

    def raise_cap(self) -> None:
        """Raise the cap and end the hold for which there is room now."""
        self.cap += _RAISE
        self.say(f"the cap is {self.cap}")
        try:
            (lacking,) = self._proxy.ask([("HGET", self.queue.base + "gate", "heldFor")])
            sums = self.sums()
            if lacking and sums["spent"] + sums["unknown"] + int(lacking) <= self.cap:
                self.queue("lift_hold", lacking)
        except RedisError as error:
            self.say(f"lift_hold: {error}")

    def resolve(self) -> None:
        """Store what a call of unknown cost has cost, as an operator who has asked the vendor."""
        (listed,) = self._proxy.ask([("HKEYS", f"{self.queue.base}spent:1970-01-01:unknown")])
        known = sorted({*listed} & self.sent)
        if not known:
            return
        call = self.random.choice(known)
        cost = self.charged.get(call, 0)
        self.say(f"resolve {call}: {cost}")
        try:
            for _ in range(self.random.choice([1, 2])):
                self.queue("resolve_call", call, cost, "1970-01-01")
                self.budget("settle_reservations", call, cost or "void")
        except RedisError as error:
            self.say(f"resolve: {error}")

    def sums(self) -> dict[str, int]:
        """Return what is spent, reserved and perhaps spent."""
        key = self.keys.budget("1970-01-01")
        (values,) = self._proxy.ask([("HMGET", key, *(f"{name} all" for name in _NAMES))])
        return {name: int(value or 0) for name, value in zip(_NAMES, values, strict=True)}

    def check(self, state: State) -> None:
        """Raise AssertionError for a sum that is wrong."""
        sums, charged = self.sums(), sum(self.charged.values())
        covered = sum(sums.values())
        assert covered <= self.cap, f"over the cap of {self.cap}: {sums}"
        assert charged <= covered, f"charged {charged}, but only {sums}"
        assert sums["spent"] <= charged, f"spent more than was charged, {charged}: {sums}"
        known = unknown = 0
        for call in self._known_calls(state):
            if call["kind"] == "actual":
                known += call["nano"]
                assert call["nano"] == self.charged.get(call["id"]), f"{call} was not charged so"
            elif call["kind"] == "unknown":
                unknown += call["nano"]
        ledger = state.get("spent", {})
        sums = (ledger.get("m nano", 0), ledger.get("m unknown", 0))
        assert sums == (known, unknown), f"the ledger's sums are {sums}, those of its calls {known, unknown}"

    def check_end(self, state: State) -> None:
        """Raise AssertionError if something is still reserved, or missing in the ledger."""
        sums = self.sums()
        assert sums["reserved"] == 0, f"reserved at the end: {sums}"
        (left,) = self._proxy.ask([("ZCARD", self.keys.budget("open"))])
        assert not left, f"{left} reservations are open at the end"
        ledger = state.get("spent", {})
        total = ledger.get("m nano", 0) + ledger.get("m unknown", 0)
        assert total >= sum(self.charged.values()), f"the ledger has {ledger}, charged were {self.charged}"
        assert sums["spent"] + sums["unknown"] >= total, f"the budget has {sums}, the ledger {ledger}"

    def _known_calls(self, state: State) -> Iterator[Mapping[str, Any]]:
        """Yield each call once: those of jobs, and those of jobs that are gone."""
        for job_id, job in state["jobs"].items():
            for call_id in [call for call, kept in self._calls.items() if kept["job"] == job_id]:
                del self._calls[call_id]
            for name, text in job.items():
                if name.startswith("call:"):
                    call = json.loads(text)
                    self._calls[call["id"]] = call
            assert "openCalls" not in job or job["state"] == "active", f"{job_id} has open calls: {job}"
        for late in state.get("spending", {}).get("1970-01-01:late", ()):
            self._calls[late] = {"id": late, "kind": "actual", "nano": self.charged[late], "job": ""}
        yield from self._calls.values()


class Payment:
    """One paid request of one attempt. Its worker takes the steps, or its ghost, after the job was lost."""

    def __init__(self, money: Money, job: Job, running_job: RunningJob) -> None:
        self._money, self._job, self._running_job = money, job, running_job
        self._id = money.new_id()
        self._worst = money.random.randrange(50, 500)
        self._steps = [self._reserve, self._open, self._send, self._close, self._store, self._settle]
        self._at = 0
        self._cost: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether every step is done."""
        return not self._steps

    def move(self) -> Outcome | None:
        """Take one step, which is taken again if it raises RedisError. Returns the attempt's outcome if it
        cannot go on. Raises JobLost and JobCancelled: the request must not be sent."""
        try:
            outcome = self._steps[0]()
        except (JobLost, JobCancelled):
            self._steps = [self._close, self._store, self._settle]
            raise
        self._steps = [] if outcome else self._steps[1:]
        return outcome

    def go_on(self, chance: float = 0.9) -> None:
        """Take the other steps, each with this chance: as a worker does that wakes up after its lease."""
        while self._steps and self._money.random.random() < chance:
            try:
                self.move()
            except (JobLost, JobCancelled):
                self._money.say(f"{self._id}: lost")
            except RedisError as error:
                self._money.say(f"{self._id}: {error}")

    def _reserve(self) -> Outcome | None:
        money, job = self._money, self._job
        held = ("sim", job.id, job.fencing_token)
        answer = money.budget("reserve", self._id, self._worst, *held, "all", money.cap, "", "", "")
        if answer[0] == "over":
            return Released(_REST_OF_DAY, "budget", lacking=str(self._worst))
        if answer[0] == "wait":
            return Released(reason="budget", delay_ms=_DELAY)
        self._at = int(answer[1])
        return None

    def _open(self) -> None:
        call = {"id": self._id, "kind": "open", "model": "m", "worst": self._worst, "job": self._job.id}
        self._running_job.open_call(self._job, self._id, json.dumps(call), str(self._at))

    def _send(self) -> None:
        if self._money.random.random() < 0.8:
            self._cost = self._money.random.randrange(1, self._worst + 1)
            self._money.charged[self._id] = self._cost
            self._money.say(f"{self._id} costs {self._cost}")
        self._money.sent.add(self._id)

    def _close(self) -> None:
        call: dict[str, Any] = {"id": self._id, "model": "m", "at": self._at, "job": self._job.id}
        call |= {"kind": "void"} if self._cost is None else {"kind": "actual", "nano": self._cost}
        self._running_job.close_call(self._job, json.dumps(call), store=False)
        if self._money.random.random() < 0.3:  # the settlement stores it, and a janitor settles the budget
            self._steps = self._steps[:1]

    def _store(self) -> None:
        if self._money.random.random() < 0.5:
            self._running_job.store_calls(self._job)
            return
        try:
            self._running_job.checkpoint(self._job, "paid", "{}")
        except (JobLost, JobCancelled):
            self._money.say(f"{self._id}: lost, and stored")

    def _settle(self) -> None:
        cost = "void" if self._cost is None else self._cost
        for _ in range(self._money.random.choice([1, 1, 2])):
            self._money.budget("settle_reservations", self._id, cost)
