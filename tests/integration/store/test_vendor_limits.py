"""A vendor's own rate limits: what its answers tell slows the starts down before it refuses any."""

from __future__ import annotations

from typing import Any

from .redis_state import NOW, RedisState
from .state_table import HOST, waiting

LEASE, PROBE = 15_000, 30_000
MINUTE = 60_000


def note(
    redis_state: RedisState, *limits: Any, age: int = 0, used: int = 0, own: int = 0, now: int = NOW
) -> Any:
    """Note the limits: name, limit, left and reset (ms) of each. `own`: the configured limit of a minute."""
    return redis_state.call("note_vendor_limits", age, used, own, MINUTE if own else 0, *limits, now=now)


def window(redis_state: RedisState) -> tuple[int, float] | None:
    """Return the starts of the vendor's window and its length in seconds."""
    stored = redis_state.redis.hget(redis_state.keys.gate, "vendorLimit")
    starts, span, _ = map(int, stored.split()) if stored else (0, 0, 0)
    return (starts, span / 1000) if stored else None


def per_minute(redis_state: RedisState) -> float:
    found = window(redis_state)
    assert found
    return found[0] / found[1] * 60


def claim(redis_state: RedisState, slot: int, own: int = 0, now: int = NOW) -> Any:
    duration = MINUTE if own else 0
    return redis_state.call("claim", "host", slot, LEASE, own, duration, PROBE, now=now)


def test_limit_that_is_nearly_full_sets_the_pace_of_its_refill(redis_state: RedisState) -> None:
    assert note(redis_state, "requests", 600, 500, 10_000) == ["ok"]
    assert window(redis_state) == (250, 25.0)  # half of what is left at once: others are on their way
    assert per_minute(redis_state) == 600


def test_limit_with_another_span_than_a_minute_is_recognized_by_its_reset(redis_state: RedisState) -> None:
    note(redis_state, "requests", 10_000, 9_000, 8_640_000)  # 10,000 a day
    assert round(per_minute(redis_state) * 60 * 24) == 10_000


def test_nearly_empty_limit_slows_down_to_let_it_refill(redis_state: RedisState) -> None:
    note(redis_state, "requests", 600, 30, 57_000)
    assert per_minute(redis_state) == 300
    note(redis_state, "requests", 600, 0, 60_000)
    assert per_minute(redis_state) == 30
    assert window(redis_state) == (1, 2.0)


def test_configured_limit_that_is_stricter_needs_no_window(redis_state: RedisState) -> None:
    note(redis_state, "requests", 600, 500, 10_000, own=50)
    assert window(redis_state) is None
    note(redis_state, "requests", 600, 20, 58_000, own=50)
    assert window(redis_state) is not None
    note(redis_state, "requests", 600, 500, 10_000, own=50)
    assert window(redis_state) is None


def test_tokens_are_counted_as_the_vendor_counts_them(redis_state: RedisState) -> None:
    # Each request takes 16,000 tokens from the vendor's limit, whatever its answer says that it used.
    left = 2_000_000
    for number in range(80):
        left += 200 * 2_000_000 // MINUTE - 16_000
        tokens = ("tokens", 2_000_000, left, (2_000_000 - left) * MINUTE // 2_000_000)
        note(redis_state, "requests", 6_000, 5_999, 10, *tokens, used=900, now=NOW + number * 200)
    mean = float(redis_state.redis.hget(redis_state.keys.base + "vendor", "tokensPerRequest"))
    assert 14_000 < mean <= 16_100


def test_answer_to_an_earlier_request_is_stale(redis_state: RedisState) -> None:
    note(redis_state, "requests", 600, 30, 57_000, age=1_000)
    assert note(redis_state, "requests", 600, 500, 10_000, age=5_000) == ["stale"]
    assert per_minute(redis_state) == 300


def test_claims_start_no_more_than_the_window_allows_and_reserve_the_next(redis_state: RedisState) -> None:
    jobs = {name: waiting() for name in ("a", "b", "c")}
    redis_state.write({**HOST, "wait": ["c", "b", "a"], "jobs": jobs, "instance": {"host": {"slots": 3}}})
    note(redis_state, "requests", 60, 2, 58_000)  # one at once, then one each 3 s
    assert claim(redis_state, 0) == ["job", "a"]
    assert claim(redis_state, 1) == ["wait", 3_000]
    assert claim(redis_state, 2) == ["wait", 3_000]  # its turn is in 6 s, but it looks after each window
    assert claim(redis_state, 2, now=NOW + 3_000) == ["wait", 3_000]
    assert claim(redis_state, 1, now=NOW + 3_000) == ["job", "b"]


def test_configured_limit_holds_beside_the_window(redis_state: RedisState) -> None:
    jobs = {name: waiting() for name in ("a", "b", "c")}
    redis_state.write({**HOST, "wait": ["c", "b", "a"], "jobs": jobs, "instance": {"host": {"slots": 3}}})
    note(redis_state, "requests", 60, 2, 58_000)
    assert claim(redis_state, 0, own=2) == ["job", "a"]
    assert claim(redis_state, 1, own=2, now=NOW + 3_000) == ["job", "b"]
    assert claim(redis_state, 2, own=2, now=NOW + 6_000) == ["wait", MINUTE - 6_000]


def test_window_ends_when_the_limit_is_full_again(redis_state: RedisState) -> None:
    redis_state.write({**HOST, "wait": ["b", "a"], "jobs": {name: waiting() for name in ("a", "b")}})
    note(redis_state, "requests", 60, 0, MINUTE)
    assert claim(redis_state, 0, now=NOW + MINUTE) == ["job", "a"]
    assert window(redis_state) is None
