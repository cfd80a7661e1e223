"""What a janitor logs once: steps that fail, and instances with different rate limits."""

from __future__ import annotations

import logging

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from preppath_workers.config.model import RateLimit
from preppath_workers.worker.maintenance.rate_limits import RateLimits
from preppath_workers.worker.maintenance.steps import Steps


def test_step_that_fails_again_and_again_is_logged_once_and_when_it_works_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(error: Exception) -> None:
        raise error

    steps = Steps()
    with caplog.at_level(logging.INFO):
        for words in ("WRONGTYPE wrong", "WRONGTYPE wrong", "WRONGTYPE other"):
            assert steps.run("tts", "reap", lambda words=words: fail(ResponseError(words))) is None
        assert steps.run("tts", "promote", lambda: fail(KeyError("a bug"))) is None
        assert [steps.run("tts", "reap", lambda: 7) for _ in range(2)] == [7, 7]

    assert [record.message for record in caplog.records] == [
        *["Janitor step failed"] * 3,
        "Janitor step works again",
    ]


def test_step_without_redis_raises_so_that_the_others_are_left_out() -> None:
    def away() -> None:
        raise RedisConnectionError("away")

    with pytest.raises(RedisConnectionError):
        Steps().run("tts", "reap", away)


def test_rate_limits_that_differ_are_logged_when_they_begin_change_and_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits = RateLimits("tts")
    conflict = [20, 2_000, "new", 0, 0, "old"]
    with caplog.at_level(logging.INFO):
        older = [*conflict[:3], 9, 2_000, "older"]
        for seen in ([], conflict, conflict, [*conflict[:5], "another"], older, [], []):
            limits.compare(RateLimit(20, 2.0), seen)  # type: ignore[arg-type] # as a script answers

    differ = "Instances have different rate limits, the newest configuration is in force"
    assert [record.message for record in caplog.records] == [
        differ,
        differ,
        "All instances have the same rate limit again",
    ]
    shown = caplog.records[0].__dict__["fields"]
    assert shown | {"inForce": "20/2", "other": "none", "otherInstance": "old", "ours": "20/2"} == shown
