"""Slots that work a queue in virtual time: real transitions, no sleep, and no delays."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from tests.integration.store.redis_state import NOW, RedisState

LEASE, PROBE = 10**9, 60_000


@dataclass(frozen=True)
class Arrival:
    """A job that is enqueued `at` (ms) and then runs for `run` ms."""

    at: int
    run: int


@dataclass(frozen=True)
class Setup:
    """`slots` slots, and at most `max` starts in any `duration` ms."""

    slots: int
    max: int
    duration: int


def ideal(arrivals: Sequence[Arrival], setup: Setup) -> list[int]:
    """Return when each job can start at the earliest: it has been added, all jobs before it have started, a
    slot is free, and the `max`-th start before it is one duration ago. Independent of how the scripts
    work."""
    free = [0] * setup.slots
    starts: list[int] = []
    for number, arrival in enumerate(arrivals):
        token = starts[number - setup.max] + setup.duration if number >= setup.max else 0
        starts.append(max(arrival.at, heapq.heappop(free), token))
        heapq.heappush(free, starts[-1] + arrival.run)
    return starts


def real(redis_state: RedisState, arrivals: Sequence[Arrival], setup: Setup) -> list[int]:
    """Return when the scripts started each job."""
    return _Run(redis_state, arrivals, setup).starts()


class _Run:
    def __init__(self, redis_state: RedisState, arrivals: Sequence[Arrival], setup: Setup) -> None:
        self._redis_state = redis_state
        self._arrivals = arrivals
        self._arguments = (LEASE, setup.max, setup.duration, PROBE)
        self._idle = [*range(setup.slots)]
        self._running: dict[int, str] = {}
        self._starts: dict[str, int] = {}
        self._tie = count()
        #: Times of events: a job arrives (its number), or a slot continues (its number, complemented).
        self._agenda = [(arrival.at, next(self._tie), number) for number, arrival in enumerate(arrivals)]

    def starts(self) -> list[int]:
        while self._agenda:
            now, _, what = heapq.heappop(self._agenda)
            if what < 0:
                self._continue(now, ~what)
            else:
                self._redis_state.call("enqueue", f"j{what}", "{}", 50, 0, now=NOW + now)
                if self._idle:
                    self._continue(now, self._idle.pop(0))
        return [self._starts[f"j{number}"] for number in range(len(self._arrivals))]

    def _continue(self, now: int, slot: int) -> None:
        """Call what the slot's worker would: settlement and claim in one script, or the claim alone."""
        if job_id := self._running.pop(slot, None):
            context, held = (60_000, 10, *self._arguments), (job_id, 1, "{}")
            *answer, _ = self._redis_state.call(
                "settle_and_fetch", f"host:{slot}", *context, *held, now=NOW + now
            )
        else:
            answer = self._redis_state.call("claim", "host", slot, *self._arguments, now=NOW + now)
        match answer:
            case ["job", job_id]:
                assert job_id not in self._starts
                self._starts[job_id] = now
                self._running[slot] = job_id
                self._later(now + self._arrivals[int(job_id[1:])].run, slot)
            case ["wait", ms]:
                self._later(now + ms, slot)
            case _:
                self._idle.append(slot)

    def _later(self, at: int, slot: int) -> None:
        heapq.heappush(self._agenda, (at, next(self._tie), ~slot))
