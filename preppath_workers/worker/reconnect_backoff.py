"""Redis does not answer, or refuses: wait longer from one try to the next, and log each change once."""

from __future__ import annotations

import logging
import random
import time

from redis.exceptions import RedisError

from ..log import fields
from ..store.refusals import code_of, is_refusal

logger = logging.getLogger(__name__)

#: Seconds before the first try to connect again, and at most.
_FIRST, _LONGEST = 0.05, 2.0

#: Seconds without a refusal until its end is logged: a server may refuse one command and take the next.
_QUIET = 10.0


class ReconnectBackoff:
    """Counts one process's failures to have Redis do something."""

    def __init__(self, longest: float = _LONGEST) -> None:
        """`longest`: seconds between two tries, at most."""
        self._longest = min(longest, _LONGEST)
        self._failures = 0
        self._since = 0.0
        #: What the trouble is: the code of a refusal; empty for no answer; None if there is no trouble.
        self._trouble: str | None = None
        self._refused_at = float("-inf")

    def failed(self, error: RedisError) -> float:
        """Notes a failure; returns the seconds to wait before the next try."""
        now = time.monotonic()
        trouble = code_of(error)
        if self._trouble is None:
            self._since = now
        if trouble != self._trouble:
            self._trouble = trouble
            what = "refuses a command" if trouble else "does not answer"
            logger.warning(
                f"Redis {what}, trying again",
                extra=fields(error=type(error).__name__, detail=str(error)),
            )
        if is_refusal(error):
            self._refused_at = now
        self._failures += 1
        # Half of it at random, or all workers would come back in the same moment.
        longest = min(self._longest, _FIRST * 2.0 ** min(self._failures, 16))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 — jitter is no secret

    @property
    def is_silence(self) -> bool:
        """Whether Redis did not answer at last, or has not read its files yet."""
        return self._trouble in ("", "LOADING")

    def succeeded(self) -> None:
        """Notes that Redis did what it was asked."""
        self._failures = 0
        if self._trouble is None:
            return
        now = time.monotonic()
        if now < self._refused_at + _QUIET:
            return
        message = "Redis accepts commands again" if self._trouble else "Redis is back"
        logger.info(message, extra=fields(seconds=round(now - self._since, 1)))
        self._trouble = None
