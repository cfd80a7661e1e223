"""Notices that Redis went back in time: the janitor remembers each queue's epoch, which only ever grows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from ...log import fields
from ...store.layout import refuse_newer

logger = logging.getLogger(__name__)


class Epochs:
    """The epochs of a janitor's queues, and losses of writes that aren't logged yet."""

    def __init__(self) -> None:
        #: Epoch and server time (ms) of each queue's last call.
        self._seen: dict[str, tuple[int, int]] = {}
        #: When each queue's last known loss was noticed.
        self._losses: dict[str, int] = {}
        #: Ms of writes that each queue has lost, yet to be logged; -1 for all.
        self._unlogged: dict[str, int] = {}

    def seen(self, queue: str) -> tuple[int, int]:
        """Return the epoch of the queue's last call and its time (ms); 0 before the first."""
        return self._seen.get(queue, (0, 0))

    def compare(self, queue: str, now: int, answer: Sequence[Any]) -> None:
        """Take what a call at `now` (ms) found; see `epochs.lua`.

        Raises ResponseError if the key was edited by hand, and NewerLayout.
        """
        if len(answer) == 1:
            raise ResponseError(str(answer[0]))
        *numbers, layout = answer
        refuse_newer(queue, layout)
        epoch, loss_at, lost_ms = map(int, numbers)
        # At the first call, an earlier loss is old news.
        if self._losses.setdefault(queue, loss_at) != loss_at:
            self._unlogged[queue] = lost_ms
        self._losses[queue] = loss_at
        self._seen[queue] = epoch, now

    def log_losses(self) -> None:
        """Log in one line which queues have lost writes since the last call."""
        if not self._unlogged:
            return
        known = [lost_ms for lost_ms in self._unlogged.values() if lost_ms >= 0]
        logger.warning(
            "Redis lost its latest writes: jobs may be missing, and finished ones may run again",
            extra=fields(
                queues=sorted(self._unlogged),
                seconds=round(max(known) / 1000, 1) if len(known) == len(self._unlogged) else None,
            ),
        )
        self._unlogged.clear()
