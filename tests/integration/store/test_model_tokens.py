"""The limit of model tokens a minute: a bucket that refills evenly."""

from __future__ import annotations

from typing import Any

import pytest

from .redis_state import NOW, RedisState

#: Tokens a minute: ten a second.
LIMIT = 600


def acquire(redis_state: RedisState, amount: int, after: int = 0, longest: int = 5_000) -> Any:
    return redis_state.call("acquire_model_tokens", amount, LIMIT, longest, now=NOW + after)


def test_acquire_takes_what_is_there_at_once_and_lets_the_next_wait(redis_state: RedisState) -> None:
    assert acquire(redis_state, 590) == [1, 0, 10]
    assert acquire(redis_state, 30) == [1, 2_000, -20]
    assert acquire(redis_state, 10) == [1, 3_000, -30], "behind the one that waits"
    assert acquire(redis_state, 10, after=4_000) == [1, 0, 0]


def test_acquire_with_a_longer_wait_than_allowed_takes_nothing(redis_state: RedisState) -> None:
    acquire(redis_state, 600)
    for _ in range(2):
        assert acquire(redis_state, 51) == [0, 5_100]
    assert acquire(redis_state, 50) == [1, 5_000, -50]


def test_request_larger_than_the_limit_waits_for_a_full_bucket(redis_state: RedisState) -> None:
    assert acquire(redis_state, 10_000) == [1, 0, 0]
    assert acquire(redis_state, 10_000, longest=60_000) == [1, 60_000, -600]


@pytest.mark.parametrize(("used", "left"), [(0, 600), (100, 500), (300, 300), (500, 100)])
def test_settle_corrects_the_estimate(redis_state: RedisState, used: int, left: int) -> None:
    acquire(redis_state, 300)
    assert redis_state.call("settle_model_tokens", 300, LIMIT, used) == [left]
    assert acquire(redis_state, 1) == [1, 0, left - 1]


def test_bucket_never_holds_more_than_the_limit_nor_goes_back_with_the_clock(redis_state: RedisState) -> None:
    acquire(redis_state, 100)
    assert acquire(redis_state, 10, after=-1_000) == [1, 0, 490]
    assert acquire(redis_state, 10, after=600_000) == [1, 0, 590]
