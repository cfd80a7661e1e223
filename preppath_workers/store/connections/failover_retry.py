"""How long a client tries again while a server restarts, or sentinels or a Cluster choose another primary.

redis-py's own policy counts tries, each of which may take seconds, and again the tries to connect within each
try to send a command.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from ..refusals import code_of, is_passing

#: Seconds after which a failure is final: more than one command may take, so that a frozen primary is left.
_PATIENCE = 6.0

#: Seconds between two tries, at most: doubled each time up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


def policy() -> tuple[ExponentialWithJitterBackoff, int, tuple[type[RedisError]]]:
    """Return the arguments of a `Retry` whose tries `may_try` ends."""
    return ExponentialWithJitterBackoff(_LONGEST_PAUSE, _FIRST_PAUSE), -1, (RedisError,)


def may_try(is_retryable: Callable[[Exception], bool] | None) -> Callable[[Exception], bool]:
    """Return a function that tells, for some seconds from now, whether to try again after an error."""
    give_up_at = monotonic() + _PATIENCE

    def decide(error: Exception) -> bool:
        return (
            monotonic() < give_up_at
            and isinstance(error, RedisError)
            and is_passing(error)
            and code_of(error) != "NOREPLICAS"  # may last, and a primary can be read without its replicas
            and (is_retryable is None or is_retryable(error))
        )

    return decide


class FailoverRetry(Retry):
    """Tries again for some seconds."""

    def __init__(self) -> None:
        super().__init__(*policy())

    def call_with_retry(
        self, do: Any, fail: Any, is_retryable: Any = None, with_failure_count: bool = False
    ) -> Any:
        """Return what `do` returns. Raises its last error."""
        return super().call_with_retry(do, fail, may_try(is_retryable), with_failure_count)
