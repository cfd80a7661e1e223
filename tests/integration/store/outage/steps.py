"""Steps of the tests of outages: jobs of slot host:0 that start, fail and complete."""

from __future__ import annotations

from collections.abc import Iterable

from ..failing import failing
from ..redis_state import NOW, RedisState, State

CEILING = 30_000


def add(redis_state: RedisState, *ids: str, priority: int = 50, data: str | None = None) -> None:
    """Enqueue jobs, each with its own data unless `data` is given."""
    for job_id in ids:
        redis_state.call("enqueue", job_id, data or f'{{"of":"{job_id}"}}', priority, 0)


def start(redis_state: RedisState, slot: int = 0, now: int = NOW) -> list[object]:
    reply: list[object] = redis_state.call("claim", "host", slot, 10**9, 0, 0, CEILING, now=now)
    return reply


def fail(
    redis_state: RedisState, job_id: str, kind: str = "service", slot: int = 0, now: int = NOW, **more: object
) -> list[object]:
    fencing_token = redis_state.read()["jobs"][job_id]["fencingToken"]
    arguments = failing(kind=kind, **{"service": "openai", "words": "503", **more})  # type: ignore[arg-type]
    reply: list[object] = redis_state.call(
        "retry", job_id, f"host:{slot}", fencing_token, *arguments, now=now
    )
    return reply


def start_and_fail(
    redis_state: RedisState, job_id: str, kind: str = "service", now: int = NOW, **more: object
) -> list[object]:
    redis_state.call("promote_job", job_id, now=now)
    redis_state.call("prioritize", job_id, 1, now=now)
    assert start(redis_state, now=now) == ["job", job_id]
    return fail(redis_state, job_id, kind, now=now, **more)


def complete(redis_state: RedisState, job_id: str, slot: int = 0, now: int = NOW) -> list[object]:
    fencing_token = redis_state.read()["jobs"][job_id]["fencingToken"]
    reply: list[object] = redis_state.call(
        "complete", job_id, f"host:{slot}", fencing_token, "{}", 60_000, 0, now=now
    )
    return reply


def complete_others(redis_state: RedisState, number: int) -> None:
    """Complete that number of new jobs."""
    for _ in range(number):
        job_id = f"other-{redis_state.redis.hget(redis_state.keys.stats, 'enqueued')}"
        add(redis_state, job_id, priority=1)
        assert start(redis_state) == ["job", job_id]
        complete(redis_state, job_id)


def gate(redis_state: RedisState) -> State:
    found: State = redis_state.read().get("gate", {})
    return found


def counted(redis_state: RedisState, ids: Iterable[str]) -> list[tuple[int, int]]:
    """Return the failures and excused failures of each job."""
    jobs = redis_state.read()["jobs"]
    return [(jobs[job_id].get("failures", 0), jobs[job_id].get("excused", 0)) for job_id in ids]


def suspects(queue: RedisState, number: int, outages: int = 1) -> list[str]:
    """Enqueue jobs that have met outages which other jobs' completions ended."""
    ids = [f"s{index}" for index in range(number)]
    add(queue, *ids)
    for job_id in ids:
        queue.redis.hset(queue.keys.job(job_id), mapping={"outage": "7", "outages": outages})
    return ids
