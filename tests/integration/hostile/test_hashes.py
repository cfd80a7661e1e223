"""A job with any values in its hash still reaches a final state, and no transition fails."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from preppath_workers.store.job import Job
from preppath_workers.store.scripts import Caller
from tests.integration.rate_limiter.conftest import NewRedisState
from tests.integration.store import invariants
from tests.integration.store.failing import failing
from tests.integration.store.redis_state import NOW, RedisState

from .edits import FIELDS, GARBAGE

#: Valid numbers, and text that resembles numbers.
NUMBERS = st.integers(-(10**20), 10**20).map(str) | st.floats().map(repr)
TEXTS = st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=30)
VALUES = st.sampled_from(GARBAGE) | NUMBERS | TEXTS
HASHES = st.dictionaries(st.sampled_from(sorted({*FIELDS, "x"} - {"id"})), VALUES, min_size=1)

WORKER_ID = "host:0"
CLAIM_ARGUMENTS = ("host", 0, 15_000, 2, 1_000, 60_000)
ENDS = st.sampled_from(
    [
        ("retry", *failing('{"class":"E"}', "unknown", 3, 1_000, 0)),
        ("retry", *failing('{"class":"E"}', "invalid", 3, 1_000, 0)),
        ("release", 0, ""),
        ("release", 500, "slow down"),
        ("recover",),
    ]
)


@given(
    fields=HASHES,
    place=st.sampled_from(["wait", "active", "delayed", "dead"]),
    ends=st.lists(ENDS, max_size=6),
)
def test_job_with_any_hash_reaches_a_final_state(
    new_redis_state: NewRedisState,
    fields: dict[str, str | bytes],
    place: str,
    ends: list[tuple[str | int, ...]],
) -> None:
    redis_state = new_redis_state()
    redis_state.call("enqueue", "other", "{}", 90, 0)
    state = {"dead": "failed", "delayed": "delayed"}.get(place)
    redis_state.redis.hset(redis_state.keys.job("a"), mapping=fields | ({"state": state} if state else {}))
    match place:
        case "wait":
            redis_state.redis.rpush(redis_state.keys.wait, "a")
        case "active":
            redis_state.call("heartbeat", "host", 10**9, 1, 0, 0, 0, 0)
            redis_state.redis.lpush(redis_state.keys.active(WORKER_ID), "a")
        case "delayed":
            redis_state.redis.zadd(redis_state.keys.delayed, {"a": NOW})
        case "dead":
            redis_state.redis.lpush(redis_state.keys.dead, "a")
            redis_state.call("replay", "a")

    process_all(redis_state, ends)

    left = redis_state.read()
    assert not {"wait", "active", "delayed", "reservations"} & left.keys(), left
    assert {*left.get("completed", []), *left.get("dead", [])} == {"a", "other"} == left["jobs"].keys()
    if "data" in fields:
        assert redis_state.redis.hget(redis_state.keys.job("a"), "data") == as_text(fields["data"])


def process_all(redis_state: RedisState, ends: list[tuple[str | int, ...]]) -> None:
    """Process the queue with one worker: its jobs end as `ends` says, then successfully."""
    now = NOW
    for _ in range(60):
        redis_state.call("promote_due", 10, now=now)
        answer = Caller(redis_state.redis, redis_state.keys.base, now=str(now))("claim", *CLAIM_ARGUMENTS)
        is_first = isinstance(answer, str)
        if is_first or answer[0] == "job":
            job = (
                Job.first_started("tts", WORKER_ID, answer) if is_first else Job.from_reply("tts", answer[1])
            )
            assert json.dumps(job.to_dict())
            end, *arguments = ends.pop() if ends else ("complete", "{}", 60_000, 10)
            held = (
                (WORKER_ID, "1", 3)
                if end == "recover"
                else (job.id, WORKER_ID, job.fencing_token, *arguments)
            )
            assert redis_state.call(str(end), *held, now=now) != ["lost"]
        elif answer[0] == "wait":
            now += answer[1]
        elif not redis_state.redis.zcard(redis_state.keys.delayed):
            break
        else:
            now += 500_000
    invariants.check(redis_state.read())


def as_text(value: str | bytes) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
