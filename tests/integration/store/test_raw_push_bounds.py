"""Many raw pushes: ingested in order, and a bounded number in each call."""

from __future__ import annotations

import json

import pytest

from . import invariants
from .redis_state import RedisState


def push_many(redis_state: RedisState, count: int) -> None:
    for start in range(0, count, 500):
        redis_state.push(*(f'{{"n":{number}}}' for number in range(start, min(start + 500, count))))


def numbers(redis_state: RedisState) -> list[int]:
    """Return the numbers of the raw pushes in the order in which they will run."""
    found = []
    for entry in reversed(redis_state.redis.lrange(redis_state.keys.wait, 0, -1)):
        data = entry if entry.startswith("{") else redis_state.redis.hget(redis_state.keys.job(entry), "data")
        found.append(json.loads(data).get("n"))
    return found


BEFORE: dict[str, list[tuple[str, int]]] = {
    "empty": [],
    "an urgent job": [("urgent", 1)],
    "a usual job": [("usual", 50)],
    "a less urgent job": [("less", 90)],
    "some of each": [("usual", 50), ("less", 90), ("least", 99), ("urgent", 1)],
    "many less urgent jobs": [(f"less{number}", 90) for number in range(1_500)],
}


@pytest.mark.parametrize(
    ("before", "count"),
    [*((name, 40) for name in BEFORE), ("some of each", 1_200), ("many less urgent jobs", 1_200)],
)
def test_promote_due_of_raw_pushes_orders_them_by_priority(
    redis_state: RedisState, before: str, count: int
) -> None:
    jobs = BEFORE[before]
    for job_id, priority in jobs:
        redis_state.call("enqueue", job_id, "{}", priority, 0)
    push_many(redis_state, count)

    while redis_state.call("promote_due", 500)[1] == 0:
        pass
    for job_id, priority in (("late", 50), ("later", 90), ("now", 1)):
        redis_state.call("enqueue", job_id, "{}", priority, 0)

    state = redis_state.read()
    invariants.check(state)
    known = dict([*jobs, ("late", 50), ("later", 90), ("now", 1)])
    ran = [entry if entry in known else "raw" for entry in reversed(state["wait"])]
    assert ran == sorted(
        [*(job_id for job_id, _ in jobs), *["raw"] * count, "late", "later", "now"],
        key=lambda entry: known.get(entry, 50),
    )
    raw = [number for number in numbers(redis_state) if number is not None]
    assert sorted(raw) == [*range(count)]
    # In front of very many less urgent jobs, each call places the raw pushes at the left end: the newest
    # first.
    if len(jobs) < 1_000 or count <= 500:
        assert raw == sorted(raw)


def test_ingest_reads_a_bounded_number_of_raw_pushes(redis_state: RedisState) -> None:
    push_many(redis_state, 1_200)
    redis_state.call("enqueue", "urgent", "{}", 1, 0)
    assert redis_state.read()["stats"]["enqueued"] == 101
    redis_state.push(*(f'{{"n":{number}}}' for number in range(1_200, 2_400)))
    redis_state.call("promote_due", 500)
    assert redis_state.read()["stats"]["enqueued"] == 601


def test_ingest_reads_a_bounded_number_of_malformed_entries(redis_state: RedisState) -> None:
    redis_state.push(*(f"malformed {number}" for number in range(1_200)))
    assert [redis_state.call("promote_due", 500)[1] for _ in range(3)] == [0, 0, -1]
    assert "wait" not in redis_state.read()


def test_ingest_reads_a_few_megabytes_of_raw_pushes_at_most(redis_state: RedisState) -> None:
    for number in range(60):
        redis_state.push(json.dumps({"n": number, "text": "x" * 100_000}))
    redis_state.call("promote_due", 500)
    assert 0 < redis_state.read()["stats"]["enqueued"] < 20
