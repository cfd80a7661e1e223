"""How long a process waits before it reconnects, and what it logs."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from redis.exceptions import AuthenticationError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from preppath_workers.worker import reconnect_backoff
from preppath_workers.worker.reconnect_backoff import ReconnectBackoff

NO_ANSWER = RedisConnectionError("connection refused")
REFUSAL = ResponseError("OOM command not allowed when used memory > 'maxmemory'.")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    monkeypatch.setattr(reconnect_backoff.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def messages(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.DEBUG)
    return lambda: [record.getMessage() for record in caplog.records]


def test_reconnect_backoff_of_repeated_failures_grows_to_two_seconds() -> None:
    backoff = ReconnectBackoff()
    pauses = [backoff.failed(NO_ANSWER) for _ in range(12)]
    for number, pause in enumerate(pauses, start=1):
        longest = min(2.0, 0.05 * 2**number)
        assert longest / 2 <= pause <= longest
    backoff.succeeded()
    assert backoff.failed(NO_ANSWER) <= 0.1


def test_reconnect_backoff_with_a_longest_delay_stays_below_it() -> None:
    backoff = ReconnectBackoff(longest=0.2)
    assert all(0.025 <= backoff.failed(NO_ANSWER) <= 0.2 for _ in range(20))


@pytest.mark.parametrize("code", ["NOAUTH", "WRONGPASS"])
def test_reconnect_backoff_of_refused_credentials_needs_no_new_process(code: str) -> None:
    backoff = ReconnectBackoff()
    backoff.failed(AuthenticationError("no", status_code=code))
    assert backoff.is_unreachable


@pytest.mark.parametrize("code", ["BUSY", "LOADING", "MISCONF", "NOREPLICAS"])
def test_reconnect_backoff_of_a_server_that_cannot_work_needs_no_new_process(code: str) -> None:
    backoff = ReconnectBackoff()
    backoff.failed(ResponseError(f"{code} not now"))
    assert backoff.is_unreachable


def test_reconnect_backoff_of_an_outage_logs_its_start_and_end_once(
    messages: Callable[[], list[str]],
) -> None:
    backoff = ReconnectBackoff()
    for _ in range(5):
        backoff.failed(NO_ANSWER)
    assert backoff.is_unreachable
    backoff.succeeded()
    backoff.succeeded()
    assert messages() == ["Redis does not answer, retrying", "Redis answers again"]


def test_reconnect_backoff_of_refusals_between_successes_logs_once(
    clock: list[float], messages: Callable[[], list[str]]
) -> None:
    backoff = ReconnectBackoff()
    for _ in range(30):
        backoff.failed(REFUSAL)
        assert not backoff.is_unreachable
        clock[0] += 2
        backoff.succeeded()
    assert messages() == ["Redis rejects a command, retrying"]
    clock[0] += 20
    backoff.succeeded()
    assert messages()[1:] == ["Redis accepts commands again"]


def test_reconnect_backoff_of_a_different_error_logs_it(messages: Callable[[], list[str]]) -> None:
    backoff = ReconnectBackoff()
    for error in (NO_ANSWER, NO_ANSWER, ResponseError("READONLY You can't write"), REFUSAL, REFUSAL):
        backoff.failed(error)
    refused = "Redis rejects a command, retrying"
    assert messages() == ["Redis does not answer, retrying", refused, refused]
