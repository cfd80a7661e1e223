"""Backoff between tries while Redis does not answer or rejects commands; logs each change once."""

from __future__ import annotations

import logging
import random
import time

from redis.exceptions import RedisError

from ..log import fields
from ..store.refusals import code_of, is_refusal, meaning_of

logger = logging.getLogger(__name__)

#: Seconds before the first try to connect again, and at most.
_FIRST, _LONGEST = 0.05, 2.0

#: Seconds without a refusal until its end is logged: a server may refuse one command and take the next.
_QUIET = 10.0


#: No answer, or the code of a server or Cluster that cannot work for a while or refuses the credentials.
_CANNOT_WORK = frozenset(
    (
        *("", "LOADING", "BUSY", "MISCONF", "NOREPLICAS", "MASTERDOWN"),
        *("CLUSTERDOWN", "ASK", "TRYAGAIN", "NOAUTH", "WRONGPASS"),
    )
)


class ReconnectBackoff:
    """Counts the consecutive Redis failures of one process."""

    def __init__(self, longest: float = _LONGEST, **context: object) -> None:
        """Start without failures. `longest` is the longest pause between two tries (s), `context` are fields
        of each log line."""
        self._context = context
        self._longest = min(longest, _LONGEST)
        self._failures = 0
        self._since = 0.0
        #: The error code if Redis rejects commands; empty if it does not answer; None if all is well.
        self._trouble: str | None = None
        self._refused_at = float("-inf")

    def failed(self, error: RedisError) -> float:
        """Record a failure. Returns the seconds to wait before the next try."""
        now = time.monotonic()
        trouble = code_of(error)
        if self._trouble is None:
            self._since = now
        if trouble != self._trouble:
            self._trouble = trouble
            meaning = {"meaning": meaning_of(error)} if meaning_of(error) else {}
            logger.warning(
                "Redis rejects a command, retrying" if trouble else "Redis does not answer, retrying",
                extra=fields(**self._context, **meaning, error=type(error).__name__, detail=str(error)),
            )
        if is_refusal(error):
            self._refused_at = now
        self._failures += 1
        # Half of the pause is random, so that the workers do not reconnect all at once.
        longest = min(self._longest, _FIRST * 2.0 ** min(self._failures, 16))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 — jitter is not a secret

    @property
    def is_unreachable(self) -> bool:
        """Whether Redis did not answer the last try, or answers what a new process could not change."""
        return self._trouble in _CANNOT_WORK

    def succeeded(self) -> None:
        """Record a success."""
        self._failures = 0
        if self._trouble is None:
            return
        now = time.monotonic()
        if now < self._refused_at + _QUIET:
            return
        message = "Redis accepts commands again" if self._trouble else "Redis answers again"
        logger.info(message, extra=fields(**self._context, seconds=round(now - self._since, 1)))
        self._trouble = None
