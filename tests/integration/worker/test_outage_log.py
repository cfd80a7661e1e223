"""How long a process waits from one try to the next, and what it logs."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from preppath_workers.worker import reconnect_backoff
from preppath_workers.worker.reconnect_backoff import ReconnectBackoff

SILENCE = RedisConnectionError("connection refused")
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


def test_pauses_grow_from_a_moment_to_two_seconds() -> None:
    trouble = ReconnectBackoff()
    pauses = [trouble.failed(SILENCE) for _ in range(12)]
    for number, pause in enumerate(pauses, start=1):
        longest = min(2.0, 0.05 * 2**number)
        assert longest / 2 <= pause <= longest
    trouble.succeeded()
    assert trouble.failed(SILENCE) <= 0.1


def test_pauses_are_no_longer_than_asked() -> None:
    trouble = ReconnectBackoff(longest=0.2)
    assert all(0.025 <= trouble.failed(SILENCE) <= 0.2 for _ in range(20))


def test_silence_and_its_end_are_logged_once(messages: Callable[[], list[str]]) -> None:
    trouble = ReconnectBackoff()
    for _ in range(5):
        trouble.failed(SILENCE)
    assert trouble.is_unreachable
    trouble.succeeded()
    trouble.succeeded()
    assert messages() == ["Redis does not answer, retrying", "Redis answers again"]


def test_a_refusal_between_commands_that_work_is_logged_once(
    clock: list[float], messages: Callable[[], list[str]]
) -> None:
    trouble = ReconnectBackoff()
    for _ in range(30):
        trouble.failed(REFUSAL)
        assert not trouble.is_unreachable
        clock[0] += 2
        trouble.succeeded()
    assert messages() == ["Redis rejects a command, retrying"]
    clock[0] += 20
    trouble.succeeded()
    assert messages()[1:] == ["Redis accepts commands again"]


def test_what_changes_is_logged_again(messages: Callable[[], list[str]]) -> None:
    trouble = ReconnectBackoff()
    for error in (SILENCE, SILENCE, ResponseError("READONLY You can't write"), REFUSAL, REFUSAL):
        trouble.failed(error)
    refused = "Redis rejects a command, retrying"
    assert messages() == ["Redis does not answer, retrying", refused, refused]
