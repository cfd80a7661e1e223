"""What a row of starts says about a rate limit. All times are in ms."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from statistics import mean

from preppath_workers.config.model import RateLimit


def fullest_window(moments: Sequence[float], length: float) -> int:
    """The most starts that any window of this length holds. A window has its beginning and not its end, and
    the fullest one begins with a start."""
    ordered = sorted(moments)
    return max((bisect_left(ordered, at + length) - index for index, at in enumerate(ordered)), default=0)


def lateness(moments: Sequence[float], limit: RateLimit) -> list[float]:
    """How late each start was that had to wait for a token: the token was back one duration after the
    `max`-th start before. None of them is negative if the limit was kept."""
    ordered = sorted(moments)
    return [
        later - earlier - limit.duration * 1000
        for earlier, later in zip(ordered, ordered[limit.max :], strict=False)
    ]


def utilisation(moments: Sequence[float], limit: RateLimit) -> float:
    """The share of what is allowed that was used while there was a backlog: the duration, against the time
    that `max` starts really took."""
    allowed = limit.duration * 1000
    return allowed / (allowed + mean(lateness(moments, limit)))
