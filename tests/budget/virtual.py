# ruff: noqa: E501 — a line of a script is as long as it is
"""Ledger and budget in virtual time: workers pay, die, sleep through their leases and send again, on the real
scripts; one seed draws every move, and all sums are compared after each."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis import Redis

from preppath_workers.store.keys import Keys
from preppath_workers.store.scripts import Caller
from tests.simulation.mutants import Mutant, in_place

#: 2026-11-26, noon.
_NOON = 1_795_694_400_000
_CAP = 2_000
_SLOTS, _JOBS, _MOVES = 3, 4, 120

MUTANTS = (
    Mutant("settling twice counts twice", "redis.call('HDEL', RESERVED, id)\n      if cost", "if cost", 0),
    Mutant("what a dead worker paid is released", "call.kind == 'unknown' then return {'unknown'} end", "call.kind == 'unknown' then return {'void'} end", 0),
    Mutant("recovery forgets open calls", "end_inconclusive_probe(id)\n      close_open_calls(id)", "", 0),
    Mutant("a cost that is sent again counts again", "if before and before.kind ~= 'open' and (before.kind ~= 'unknown' or call.kind == 'unknown') then return end", "", 1),
    Mutant("a late answer counts beside the unknown one", "tally(before, stored, -1)", "", 0),
    Mutant("a cap does not see reservations", "cap and spent + reserved + worst > cap", "false", 3),
    Mutant("a running attempt loses its reservation", "local is_running = job[1] == 'active' and job[2] == token", "local is_running = false", 0),
    Mutant("a lost job's request is sent", "if refused then return refused end\nredis.call('LTRIM', active_key(worker_id), '0', '-1') -- out of memory: as in claiming.lua\nlocal key, field", "local key, field", 1),
)  # fmt: skip


class Broken(AssertionError):
    """Raised when a sum is wrong."""


@dataclass
class Worker:
    """One attempt, as far as it has come with its paid request; also after it lost its job."""

    slot: str
    job: str
    token: str
    call: str = ""
    worst: int = 0
    #: reserved, opened, sent, closed.
    step: str = ""
    at: int = 0
    cost: int | None = None
    is_alive: bool = True


class Money:
    """One run. `charged` is the vendor's truth: what each call that reached it costs."""

    def __init__(self, redis: Redis, seed: int, prefix: str) -> None:
        self._redis = redis
        self._rng = random.Random(seed)
        self._seed = seed
        self._queue, self._budget = Keys(prefix, "tts"), Keys(prefix, "budget")
        self._now = _NOON
        self._calls = 0
        self._workers: dict[str, Worker] = {}
        self._zombies: list[Worker] = []
        self.charged: dict[str, int] = {}
        self.trace: list[str] = []

    def run(self) -> list[str]:
        """Play the run. Returns its moves. Raises Broken."""
        for number in range(_JOBS):
            self._on_queue("enqueue", f"j{number}", "{}", 50, 0)
        moves: list[Callable[[], None]] = [
            *[self._start, self._continue] * 8,
            *[self._continue_zombie] * 3,
            *(self._lose, self._die, self._sweep),
        ]
        for _ in range(_MOVES):
            self._now += self._rng.randrange(1, 50)
            self._rng.choice(moves)()
            self._check()
        self._end()
        return self.trace

    def _start(self) -> None:
        idle = [slot for slot in map(str, range(_SLOTS)) if f"host:{slot}" not in self._workers]
        if not idle:
            return
        slot = self._rng.choice(idle)
        kind, *rest = self._on_queue("claim", "host", slot, 60_000, 0, 0, 60_000, 1_000)
        if kind == "first":
            self._begin(slot, rest[0], "1")
        elif kind == "job":
            fields = dict(zip(rest[0][::2], rest[0][1::2], strict=True))
            self._begin(slot, fields["id"], fields["fencingToken"])

    def _begin(self, slot: str, job: str, token: str) -> None:
        worker_id = f"host:{slot}"
        self._workers[worker_id] = Worker(worker_id, job, token)
        self.trace.append(f"{worker_id} starts {job}")

    def _continue(self) -> None:
        if self._workers:
            self._step(self._workers[self._rng.choice(sorted(self._workers))])

    def _continue_zombie(self) -> None:
        if self._zombies:
            worker = self._rng.choice(self._zombies)
            self._step(worker)
            if not worker.is_alive:
                self._zombies.remove(worker)

    def _step(self, worker: Worker) -> None:
        step = {"": self._reserve, "reserved": self._open, "opened": self._send, "sent": self._close}
        self.trace.append(f"{worker.slot} of {worker.job} after {worker.step or 'nothing'}")
        step.get(worker.step, self._settle)(worker)

    def _reserve(self, worker: Worker) -> None:
        self._calls += 1
        worker.call, worker.worst = f"c{self._calls}", self._rng.randrange(50, 500)
        scopes = ("all", _CAP, "", "", "")
        answer = self._on_budget(
            "reserve", worker.call, worker.worst, "tts", worker.job, worker.token, *scopes
        )
        if answer[0] == "ok":
            worker.step, worker.at = "reserved", int(answer[1])
        else:
            self._leave(worker)

    def _open(self, worker: Worker) -> None:
        call = {"id": worker.call, "kind": "open", "model": "m", "worst": worker.worst, "job": worker.job}
        held = (worker.job, worker.slot, worker.token)
        answer = self._on_queue("open_call", *held, worker.call, json.dumps(call), worker.at)
        if answer[0] == "ok":
            worker.step = "opened"
        else:
            self._on_budget("settle_reservations", worker.call, "void")
            worker.is_alive = False

    def _send(self, worker: Worker) -> None:
        if self._rng.random() < 0.8:
            self.charged[worker.call] = worker.cost = self._rng.randrange(1, worker.worst + 1)
        worker.step = "sent"

    def _close(self, worker: Worker) -> None:
        call: dict[str, Any] = {"id": worker.call, "model": "m", "at": worker.at, "job": worker.job}
        call |= {"kind": "void"} if worker.cost is None else {"kind": "actual", "nano": worker.cost}
        if self._rng.random() < 0.5:
            held = (worker.job, worker.slot, worker.token)
            self._on_queue("checkpoint", *held, "step", "{}", json.dumps(call))
        else:
            self._on_queue("close_calls", worker.job, json.dumps(call))
        worker.step = "closed"

    def _settle(self, worker: Worker) -> None:
        cost = "void" if worker.cost is None else worker.cost
        self._on_budget("settle_reservations", worker.call, cost)
        self._leave(worker)

    def _leave(self, worker: Worker) -> None:
        """End the attempt: the job goes back uncounted, so that there is always work."""
        worker.is_alive = False
        if self._workers.get(worker.slot) is worker:
            del self._workers[worker.slot]
            self._on_queue("release", worker.job, worker.slot, worker.token, 0, "")

    def _lose(self) -> None:
        """A worker sleeps through its lease, and goes on later."""
        if self._workers:
            worker = self._workers.pop(self._rng.choice(sorted(self._workers)))
            self._recover(worker)
            self._zombies.append(worker)

    def _die(self) -> None:
        if self._zombies and self._rng.random() < 0.5:
            self._zombies.pop(self._rng.randrange(len(self._zombies)))
        elif self._workers:
            self._recover(self._workers.pop(self._rng.choice(sorted(self._workers))))

    def _recover(self, worker: Worker) -> None:
        self.trace.append(f"{worker.slot} is recovered after {worker.step or 'nothing'}")
        self._on_queue("recover", worker.slot, "1", 1_000)

    def _sweep(self) -> None:
        """What a janitor does; see `worker/maintenance/budget_keeper.py`."""
        self.trace.append("sweep")
        found = self._on_budget("open_reservations", 0, 100)
        for call, text in zip(found[::2], found[1::2], strict=True):
            record = json.loads(text)
            status, *cost = self._on_queue("call_status", record["job"], record["token"], call)
            if status != "running":
                self._on_budget("settle_reservations", call, cost[0] if status == "paid" else status)

    def _end(self) -> None:
        """Everybody dies; the janitor has the last word."""
        for worker in self._workers.values():
            self._recover(worker)
        self._workers, self._zombies = {}, []
        self._now += 1
        self._sweep()
        self._check()
        sums = self._sums()
        self._expect(sums["reserved"] == 0, f"reserved at the end: {sums}")
        self._expect(not self._redis.zcard(self._budget.budget("open")), "reservations are open")
        ledger = self._ledger()
        total = ledger["nano"] + ledger["unknown"]
        # A cost that came late may be in the ledger alone: the budget then still has the most that it can be.
        self._expect(sums["spent"] + sums["unknown"] >= total, f"budget {sums}, ledger {ledger}")
        self._expect(total >= sum(self.charged.values()), f"ledger {ledger}, charged {self.charged}")

    def _check(self) -> None:
        sums, charged = self._sums(), sum(self.charged.values())
        covered = sum(sums.values())
        self._expect(covered <= _CAP, f"over the cap: {sums}")
        self._expect(charged <= covered, f"charged {charged}, but only {sums}")
        self._expect(sums["spent"] <= charged, f"spent more than was charged: {sums}, {charged}")
        calls = self._stored()
        known = sum(call["nano"] for call in calls if call["kind"] == "actual")
        unknown = sum(call["nano"] for call in calls if call["kind"] == "unknown")
        ledger = self._ledger()
        self._expect(ledger == {"nano": known, "unknown": unknown}, f"sums {ledger}, calls {calls}")
        for call in calls:
            if call["kind"] == "actual":
                self._expect(call["nano"] == self.charged.get(call["id"]), f"{call} was not charged so")
        for number in range(_JOBS):
            state, left = self._redis.hmget(self._queue.job(f"j{number}"), "state", "openCalls")
            self._expect(not left or state == "active", f"j{number} is {state} and has open calls")

    def _expect(self, condition: bool, what: str) -> None:
        if not condition:
            raise Broken("\n".join([f"seed {self._seed}: {what}", *self.trace]))

    def _stored(self) -> list[dict[str, Any]]:
        hashes = [self._redis.hgetall(self._queue.job(f"j{number}")) for number in range(_JOBS)]
        return [json.loads(v) for each in hashes for name, v in each.items() if name.startswith("call:")]

    def _ledger(self) -> dict[str, int]:
        return {
            name: int(self._redis.hget(self._queue.spent, f"m {name}") or 0) for name in ("nano", "unknown")
        }

    def _sums(self) -> dict[str, int]:
        names = ("spent", "unknown", "reserved")
        key = self._budget.budget("2026-11-26")
        values = self._redis.hmget(key, [f"{name} all" for name in names])
        return {name: int(value or 0) for name, value in zip(names, values, strict=True)}

    def _on_queue(self, name: str, *arguments: str | int) -> Any:
        return self._call(self._queue.base, name, *arguments)

    def _on_budget(self, name: str, *arguments: str | int) -> Any:
        return self._call(self._budget.base, name, *arguments)

    def _call(self, base: str, name: str, *arguments: str | int) -> Any:
        """Call a script, now and then twice: the answer was lost."""
        answer = Caller(self._redis, base, str(self._now))(name, *arguments)
        if name not in ("open_reservations", "settle_reservations") and self._rng.random() < 0.2:
            answer = Caller(self._redis, base, str(self._now))(name, *arguments)
        elif name == "settle_reservations" and self._rng.random() < 0.2:
            Caller(self._redis, base, str(self._now))(name, *arguments)
        return answer


def play(redis: Redis, seed: int) -> list[str]:
    """Play one seed on a server of its own prefix. Returns its moves. Raises Broken."""
    redis.flushdb()
    return Money(redis, seed, "virtual").run()


def catches(redis: Redis, mutant: Mutant) -> bool:
    """Return whether a broken variant is caught by its seed."""
    with in_place(mutant):
        try:
            play(redis, mutant.seed)
        except Broken:
            return True
    return False


def first_seed_that_catches(redis: Redis, mutant: Mutant, most: int) -> int | None:
    """Return the first seed that catches a broken variant; None if none of the first `most` does."""
    with in_place(mutant):
        for seed in range(most):
            try:
                play(redis, seed)
            except Broken:
                return seed
    return None
