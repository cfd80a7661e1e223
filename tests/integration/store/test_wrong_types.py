"""A key of another type stops a transition before it has changed anything: no job loses its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis.exceptions import ResponseError

from . import invariants
from .failing import failing
from .redis_state import RedisState

KEYS = ("wait", "later", "priority_index", "turns", "delayed", "dead", "gate", "reservations")

RUNNING = ("urgent", "host:0", 1)

#: What happens just before a key gets another type, and the call that then fails or doesn't.
Scene = tuple[Callable[[RedisState], object], tuple[str | int, ...]]


def nothing(_: RedisState) -> None:
    pass


def raw_push(entry: str) -> Callable[[RedisState], object]:
    return lambda state: state.redis.rpush(state.keys.active("host:1"), entry)


def raw_pushes(state: RedisState) -> None:
    state.push('{"n":1}', '{"n":2}')


def due(state: RedisState) -> None:
    state.redis.zadd(state.keys.delayed, {"delayed": 1})


def capped(state: RedisState) -> None:
    state.redis.hset(state.keys.capped, "delayed", "1 all")


def cancel_requested(state: RedisState) -> None:
    state.redis.hset(state.keys.job("urgent"), "cancelRequestedAt", 1)


CLAIM = ("claim", "host", 1, 15_000, 0, 0, 60_000)

SCENES: dict[str, Scene] = {
    "enqueue": (nothing, ("enqueue", "new", "{}", 50, 0)),
    "enqueue in the middle": (nothing, ("enqueue", "new", "{}", 20, 0)),
    "enqueue with a delay": (nothing, ("enqueue", "new", "{}", 50, 1_000)),
    "enqueue several": (nothing, ("enqueue", "new", "{}", 50, 0, "newer", "{}", 30, 0)),
    "enqueue one at once and one with a delay": (
        nothing,
        ("enqueue", "new", "{}", 50, 0, "newer", "{}", 50, 1_000),
    ),
    "enqueue behind raw pushes": (raw_pushes, ("enqueue", "new", "{}", 20, 0)),
    "claim a raw push": (raw_push("{}"), CLAIM),
    "claim a raw push with a priority": (raw_push('{"$priority":60}'), CLAIM),
    "claim a raw push with a delay": (raw_push('{"$delay":60}'), CLAIM),
    "claim a malformed entry": (raw_push("nothing"), CLAIM),
    "retry": (nothing, ("retry", *RUNNING, *failing())),
    "bury": (nothing, ("retry", *RUNNING, *failing(kind="permanent"))),
    "release": (nothing, ("release", *RUNNING, 0, "")),
    "release with a delay": (nothing, ("release", *RUNNING, 0, "", 1_000)),
    "complete": (nothing, ("complete", *RUNNING, "{}", 60_000, 10)),
    "end_cancelled": (cancel_requested, ("end_cancelled", *RUNNING)),
    "recover": (nothing, ("recover", "host:0", 1, 3)),
    "recover to the dead-letter list": (nothing, ("recover", "host:0", 1, 0)),
    "leave": (nothing, ("leave", "host")),
    "promote_due": (due, ("promote_due", 100)),
    "promote_due with raw pushes": (raw_pushes, ("promote_due", 100)),
    "promote_job": (nothing, ("promote_job", "delayed")),
    "promote_capped": (capped, ("promote_capped", "delayed")),
    "replay": (nothing, ("replay", "dead")),
    "purge": (nothing, ("purge", "dead")),
    "prioritize": (nothing, ("prioritize", "last", 5)),
    "cancel": (nothing, ("cancel", "last")),
}


def populate(state: RedisState, is_fair: bool) -> None:
    """Let jobs wait, one be delayed, one run and one be dead."""
    if is_fair:
        state.redis.hset(state.keys.fair, "by", "user")
    state.call("heartbeat", "host", 15_000, 2, 0, 0, 0, 0, "workers", 2)
    for job_id, priority in (("urgent", 2), ("dead", 1), ("next", 50), ("last", 60)):
        state.call("enqueue", job_id, '{"user":"u"}', priority, 0)
    state.call("enqueue", "delayed", "{}", 50, 60_000)
    assert state.call(*CLAIM) == ["job", "dead"]
    state.call("retry", "dead", "host:1", 1, *failing(kind="permanent"))
    assert state.call("claim", "host", 0, 15_000, 0, 0, 60_000) == ["job", "urgent"]


@pytest.mark.parametrize("is_fair", [False, True], ids=["", "with turns"])
@pytest.mark.parametrize("scene", SCENES)
def test_transition_with_a_key_of_another_type_leaves_each_job_in_its_place(
    redis_state: RedisState, scene: str, is_fair: bool
) -> None:
    prepare, call = SCENES[scene]
    for name in KEYS:
        populate(redis_state, is_fair)
        prepare(redis_state)
        key, aside = redis_state.keys.base + name, redis_state.keys.base + "stats:aside"
        exists = redis_state.redis.exists(key)
        if exists:
            redis_state.redis.rename(key, aside)
        redis_state.redis.set(key, "x")
        try:
            redis_state.call(*call)
        except ResponseError:
            redis_state.redis.delete(key)
            if exists:
                redis_state.redis.rename(aside, key)
            invariants.check(redis_state.read())
            redis_state.call(*call)
            invariants.check(redis_state.read())
        redis_state.redis.delete(*redis_state.all_keys())
