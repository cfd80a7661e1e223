"""Instances with different rate limits: the newest configuration applies to all."""

from __future__ import annotations

import pytest
from redis import Redis

from preppath_workers.config.model import RateLimit
from preppath_workers.queue import Queue
from preppath_workers.store.keys import Keys
from preppath_workers.store.reading.limits import InstanceLimit, LimitInForce, limit_in_force

from .redis_state import NOW, RedisState

LEASE = 15_000
OLD, NEW = (5, 10_000), (1, 10_000)


def beat(
    redis_state: RedisState,
    instance: str,
    limit: tuple[int, int],
    age: int,
    now: int = NOW,
    lease: int = LEASE,
) -> list[str]:
    """Send a heartbeat of an instance whose configuration is `age` ms old; return its reply on limits."""
    _, *dispute = redis_state.call("heartbeat", instance, lease, 9, 0, *limit, age, now=now)
    return [str(word) for word in dispute]


def started(redis_state: RedisState, limit: tuple[int, int], slots: int, now: int = NOW) -> int:
    """Return how many of `slots` claims with this limit start a job."""
    count = 0
    for slot in range(slots):
        redis_state.call("enqueue", f"{limit[0]}-{slot}-{now}", "{}", 50, 0, now=now)
        redis_state.take(f"old:{slot}")
        count += redis_state.call("claim", "old", slot, LEASE, *limit, 60_000, now=now)[0] == "job"
    return count


def test_heartbeat_of_instances_that_agree_reports_no_dispute(redis_state: RedisState) -> None:
    assert beat(redis_state, "old", OLD, 9_000) == []
    assert beat(redis_state, "other", OLD, 100) == []
    state = redis_state.read()
    assert "gate" not in state
    assert state["limit"] == {"max": 5, "duration": 10_000, "since": NOW - 100, "until": NOW + 4 * LEASE,
                              "instance": "other", "comparedAt": NOW}  # fmt: skip


@pytest.mark.parametrize("order", ["old first", "new first"])
def test_heartbeat_of_instances_that_differ_applies_the_newest_limit(
    redis_state: RedisState, order: str
) -> None:
    beats = [("old", OLD, 9_000), ("new", NEW, 100)]
    for instance, limit, age in beats if order == "old first" else reversed(beats):
        beat(redis_state, instance, limit, age)
    dispute = ["1", "10000", "new", "5", "10000", "old"]
    assert beat(redis_state, "old", OLD, 9_000) == dispute
    assert beat(redis_state, "new", NEW, 100) == dispute
    assert started(redis_state, OLD, 3) == 1


@pytest.mark.parametrize("instance", ["old", "new"])
def test_heartbeat_after_a_reload_or_a_restart_reports_no_dispute(
    redis_state: RedisState, instance: str
) -> None:
    """Workers that finish their jobs have the old limit until then, and the new one applies to them."""
    beat(redis_state, "old", OLD, 9_000)
    if instance == "new":
        redis_state.call("leave", "old")
    assert beat(redis_state, instance, NEW, 0) == []
    assert started(redis_state, OLD, 3) == 1
    assert beat(redis_state, instance, NEW, 5_000, now=NOW + 5_000) == []


def test_limit_of_an_instance_that_left_expires(redis_state: RedisState) -> None:
    beat(redis_state, "old", OLD, 9_000)
    beat(redis_state, "new", NEW, 100)
    later = NOW + 4 * LEASE
    assert beat(redis_state, "old", OLD, 9_000 + 4 * LEASE, now=later) == []
    assert beat(redis_state, "old", OLD, 9_000 + 4 * LEASE, now=later) == []
    assert "gate" not in redis_state.read()
    assert started(redis_state, OLD, 3, now=later) == 3


def test_heartbeat_with_the_newer_limit_ends_the_dispute(
    redis_state: RedisState,
) -> None:
    beat(redis_state, "new", NEW, 100)
    beat(redis_state, "old", OLD, 9_000)
    assert beat(redis_state, "old", NEW, 0) == []
    assert beat(redis_state, "new", NEW, 100) == []
    beat(redis_state, "new", NEW, 100, now=NOW + 4 * LEASE)
    assert "gate" not in redis_state.read()


def test_no_limit_if_newest_applies_to_all(redis_state: RedisState) -> None:
    beat(redis_state, "new", (0, 0), 100)
    assert beat(redis_state, "old", OLD, 9_000) == ["0", "0", "new", "5", "10000", "old"]
    assert started(redis_state, OLD, 7) == 7


def test_acquire_token_uses_the_limit_in_force(redis_state: RedisState) -> None:
    beat(redis_state, "new", NEW, 100)
    beat(redis_state, "old", OLD, 9_000)
    assert started(redis_state, OLD, 1) == 1
    worker_id, job_id = "old:0", f"5-0-{NOW}"
    assert redis_state.call("acquire_token", job_id, worker_id, 1, *OLD) == ["wait", 10_000]


def test_dispute_after_the_clock_was_set_back_ends_on_time(redis_state: RedisState) -> None:
    beat(redis_state, "new", NEW, 100, now=NOW + 3_600_000)
    beat(redis_state, "old", OLD, 9_000, now=NOW + 3_600_000)
    beat(redis_state, "old", OLD, 9_000, now=NOW)
    assert beat(redis_state, "old", OLD, 9_000, now=NOW + 4 * LEASE + 1) == []
    beat(redis_state, "old", OLD, 9_000, now=NOW + 8 * LEASE + 2)
    assert "gate" not in redis_state.read()


def test_newest_limit_applies_if_its_instance_has_a_longer_lease(redis_state: RedisState) -> None:
    for _ in range(2):
        beat(redis_state, "new", NEW, 100, lease=2 * LEASE)
        beat(redis_state, "old", OLD, 9_000)
        assert redis_state.read()["limit"]["instance"] == "new"


@pytest.mark.parametrize("order", [["new"], ["new", "old", "new"], ["old", "new"]])
def test_newest_limit_applies_after_the_clock_was_set_back(redis_state: RedisState, order: list[str]) -> None:
    beats = {"old": (OLD, 9_000), "new": (NEW, 100)}
    for seconds in (3_600, 1):
        beat(redis_state, "old", *beats["old"], now=NOW + seconds * 1_000)
        for name in order:
            beat(redis_state, name, *beats[name], now=NOW)
        limit = redis_state.read()["limit"]
        assert (limit["instance"], limit["since"]) == ("new", NOW - 100)
        redis_state.redis.delete(redis_state.keys.base + "limit")


def test_limit_in_force_names_the_limit_and_the_disputed_one(redis: Redis, key_prefix: str) -> None:
    queue = Queue("tts", redis, key_prefix)
    assert limit_in_force(queue) is None
    live = RedisState(redis, Keys(key_prefix, "tts"))
    now = queue.now()
    beat(live, "new", NEW, 100, now=now)
    newest = InstanceLimit(RateLimit(1, 10.0), "new")
    assert limit_in_force(queue) == LimitInForce(newest)
    beat(live, "old", (0, 0), 9_000, now=now)
    assert limit_in_force(queue) == LimitInForce(newest, InstanceLimit(None, "old"))
