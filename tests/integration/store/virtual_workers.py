"""Children that work a queue in virtual time: the real transitions, no sleep."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count
from random import Random

from .redis_state import NOW, RedisState

INSTANCE = "host"


@dataclass(frozen=True)
class Conditions:
    """How the children work: `run_ms` is the longest that a job takes, `oversleep_ms` the longest that a
    child comes too late when it was told to wait, `deaths` how many jobs of a hundred kill their worker."""

    children: int
    max: int
    duration: int
    run_ms: int
    oversleep_ms: int = 0
    deaths: int = 0

    @classmethod
    def random(cls, random: Random, oversleep: bool) -> Conditions:
        duration = random.choice([100, 1_000, 60_000])
        return cls(
            children=random.randint(1, 12),
            max=random.randint(1, 8),
            duration=duration,
            run_ms=random.choice([1, duration // 3, duration * 2]),
            oversleep_ms=random.choice([1, duration // 10, duration * 2]) if oversleep else 0,
            deaths=random.choice([0, 10]) if oversleep else 0,
        )


@dataclass(frozen=True)
class Start:
    """One start of a job."""

    job_id: str
    at: int


def work(redis_state: RedisState, conditions: Conditions, random: Random) -> list[Start]:
    """Works until the queue is empty; returns every start in its order."""
    starts: list[Start] = []
    tie = count()
    agenda = [(NOW, next(tie), child, "") for child in range(conditions.children)]
    while agenda:
        now, _, child, running = heapq.heappop(agenda)
        worker_id = f"{INSTANCE}:{child}"
        if running and random.randrange(100) < conditions.deaths:
            redis_state.call("recover", worker_id, "1", 1_000_000, now=now)
        elif running:
            fencing_token = redis_state.redis.hget(redis_state.keys.job(running), "fencingToken")
            assert redis_state.call(
                "complete", running, worker_id, str(fencing_token), "{}", 60_000, 10, now=now
            ) == ["completed"]
        if not redis_state.redis.llen(redis_state.keys.active(worker_id)) and not redis_state.take(worker_id):
            continue
        arguments = (INSTANCE, child, 10**9, conditions.max, conditions.duration, 60_000)
        match redis_state.call("claim", *arguments, now=now):
            case ["job", job_id]:
                starts.append(Start(job_id, now))
                end = now + random.randint(0, conditions.run_ms)
                heapq.heappush(agenda, (end, next(tie), child, job_id))
            case ["wait", ms]:
                late = random.randint(0, conditions.oversleep_ms)
                heapq.heappush(agenda, (now + ms + late, next(tie), child, ""))
    return starts
