"""How long a client tries again while sentinels or a Cluster may be choosing another primary."""

from __future__ import annotations

from time import monotonic
from typing import Any

from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    ReadOnlyError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

#: Seconds after which a failure is final: more than one command may take, so that a frozen primary is left.
_PATIENCE = 6.0

#: Seconds between two tries, at most: doubled each time up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0

_ERRORS = (
    *(RedisConnectionError, RedisTimeoutError, ReadOnlyError, MasterDownError),
    *(MovedError, AskError, TryAgainError, ClusterDownError),
)


class FailoverRetry(Retry):
    """Tries again for some seconds.

    redis-py's own policy counts tries, each of which may take seconds, and again the tries to connect within
    each try to send a command.
    """

    def __init__(self) -> None:
        super().__init__(ExponentialWithJitterBackoff(_LONGEST_PAUSE, _FIRST_PAUSE), -1, _ERRORS)

    def call_with_retry(
        self, do: Any, fail: Any, is_retryable: Any = None, with_failure_count: bool = False
    ) -> Any:
        """Return what `do` returns. Raises its last error."""
        give_up_at = monotonic() + _PATIENCE

        def may_try(error: Exception) -> bool:
            return monotonic() < give_up_at and (is_retryable is None or bool(is_retryable(error)))

        return super().call_with_retry(do, fail, may_try, with_failure_count)
