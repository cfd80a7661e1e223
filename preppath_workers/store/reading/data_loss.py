"""Whether Redis has lost writes that it had acknowledged: after a failover, or a restore of older data."""

from __future__ import annotations

from dataclasses import dataclass

from ..values import integer, text
from .reader import QueueReader

#: How long commands tell of it, ms.
_SHOWN_FOR = 86_400_000


@dataclass(frozen=True)
class DataLoss:
    """A loss that was noticed at `at` (ms since the epoch), of the last `lost_ms` of writes or somewhat more;
    None for all of the queue's data."""

    at: int
    lost_ms: int | None

    def __str__(self) -> str:
        if self.lost_ms is None:
            return "Redis lost the queue's data"
        return f"Redis lost its latest {self.lost_ms / 1000:.1f} s of writes"


def data_loss(queue: QueueReader) -> DataLoss | None:
    """Return the last loss of this queue's writes that a janitor noticed within a day; None for none."""
    at, lost = queue.redis.hmget(queue.keys.meta, "lossAt", "lossMs")
    moment = (integer(text(at)) or 0) if at else 0
    if not moment or queue.now() - moment > _SHOWN_FOR:
        return None
    lost_ms = integer(text(lost)) if lost else None
    return DataLoss(moment, None if lost_ms is None or lost_ms < 0 else lost_ms)
