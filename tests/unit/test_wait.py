"""How long a wait for a job's end goes on without Redis."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from preppath_workers.queue import operations
from preppath_workers.store.keys import Keys
from preppath_workers.store.operation import Pause, Step, perform

KEYS = Keys("preppath", "tts")

#: Seconds that each command takes until it fails.
TRY = 2.0


class Away:
    """A Redis that answers the first command, and then fails."""

    def __init__(self, error: RedisError) -> None:
        self.now = 0.0
        self._error = error
        self._commands = 0

    def take(self, step: Step) -> object:
        if isinstance(step, Pause):
            self.now += step.seconds
            return None
        self._commands += 1
        if self._commands == 1:
            return ["waiting", "active"]
        self.now += TRY
        raise self._error


@pytest.mark.parametrize(
    ("error", "timeout", "least", "most"),
    [
        (RedisConnectionError("gone"), None, 30, 40),
        (RedisConnectionError("gone"), 10.0, 10, 10 + TRY + 1),
        (ReadOnlyError("a replica", status_code="READONLY"), 10.0, 10, 10 + TRY + 1),
        (ResponseError("UNBLOCKED force unblock from blocking operation"), 10.0, 10, 10 + TRY + 1),
        (ResponseError("WRONGTYPE edited by hand"), 10.0, TRY, TRY),
    ],
    ids=["without a limit", "lost", "demoted", "unblocked", "another error"],
)
def test_wait_without_redis_goes_on_for_half_a_minute_or_its_timeout(
    monkeypatch: pytest.MonkeyPatch, error: RedisError, timeout: float | None, least: float, most: float
) -> None:
    redis = Away(error)
    monkeypatch.setattr(operations, "monotonic", lambda: redis.now)
    with pytest.raises(type(error)):
        perform(operations.wait(KEYS, "j", timeout, 5.0), redis.take)
    assert least <= redis.now <= most
