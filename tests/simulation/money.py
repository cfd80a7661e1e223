"""The cap of a run, the vendor's own account of paid requests, and what must be true of ledger and budget
after each move."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from redis.exceptions import RedisError

from preppath_workers.store.keys import Keys
from tests.integration.store.redis_state import State

from .caller import Caller, Say
from .proxy import Proxy

#: The initial cap, and by how much an operator raises it (nano-dollars).
_CAP, _RAISE = 2_000, 1_500

_NAMES = ("spent", "reserved", "unknown")


class Money:
    """The budget of one run, and what the vendor charged."""

    def __init__(self, proxy: Proxy, prefix: str, queue: Caller, random: Random, say: Say):
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
        """Do what a janitor does; see `worker/maintenance/budget_keeper.py`."""
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
