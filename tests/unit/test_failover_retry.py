"""How long clients try again during a failover."""

from __future__ import annotations

from contextlib import suppress

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError

from preppath_workers.store.connections import failover_retry
from preppath_workers.store.connections.failover_retry import FailoverRetry


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which each try advances by 1 s."""
    times = [0.0]
    monkeypatch.setattr(failover_retry, "monotonic", lambda: times[0])
    monkeypatch.setattr("redis.retry.sleep", lambda _: None)
    return times


def test_failover_retry_tries_for_seconds_also_if_a_try_tries_again(clock: list[float]) -> None:
    retry = FailoverRetry()

    def connect() -> None:
        clock[0] += 1
        raise RedisConnectionError

    with pytest.raises(RedisConnectionError):
        retry.call_with_retry(lambda: retry.call_with_retry(connect, lambda _: None), lambda _: None)
    assert clock[0] == 6


@pytest.mark.parametrize(
    ("error", "tries"), [(ReadOnlyError("READONLY"), 2), (ResponseError("WRONGTYPE"), 1)]
)
def test_failover_retry_repeats_what_a_failover_may_cause(error: ResponseError, tries: int) -> None:
    failures = [error]
    calls = 0

    def command() -> str:
        nonlocal calls
        calls += 1
        if failures:
            raise failures.pop()
        return "OK"

    with suppress(ResponseError):
        FailoverRetry().call_with_retry(command, lambda _: None)
    assert calls == tries
