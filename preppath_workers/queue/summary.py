"""One queue in a line: what `queues` prints and the status API returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..config.model import RateLimit
from ..store.reading.data_loss import DataLoss, data_loss
from ..store.reading.limits import limit_in_force
from ..store.reading.reader import Counts, Gate, QueueReader
from ..store.reading.writes import refusal
from ..store.values import iso


@dataclass(frozen=True)
class QueueSummary:
    """A queue's jobs by state, its gate, and what keeps it from working."""

    name: str
    counts: Counts
    gate: Gate
    #: The limit in force on all machines, else the configured one; None without a limit.
    rate_limit: RateLimit | None
    #: Why Redis refuses writes, if it does.
    refusal: str | None
    loss: DataLoss | None

    def to_dict(self) -> dict[str, Any]:
        """Return the summary for output: JSON types, camelCase names, times in ISO 8601 (UTC)."""
        gate, loss = self.gate, self.loss
        return {
            "queue": self.name,
            **asdict(self.counts),
            "rateLimit": str(self.rate_limit) if self.rate_limit else None,
            "paused": gate.paused,
            "heldMs": gate.held_ms,
            "outOfService": gate.service,
            "outOfServiceSince": iso(gate.since),
            "nextProbeMs": gate.probe_ms if gate.out_of_service else None,
            "reason": gate.reason,
            "refusal": self.refusal,
            "lossAt": iso(loss.at) if loss else None,
            "lossMs": loss.lost_ms if loss else None,
        }


def summarize(queue: QueueReader, configured: RateLimit | None) -> QueueSummary:
    """Return the queue's summary. It is read in several steps, so its parts may differ by a moment."""
    agreed = limit_in_force(queue)
    return QueueSummary(
        name=queue.name,
        counts=queue.counts(),
        gate=queue.gate(),
        rate_limit=agreed.newest.limit if agreed else configured,
        refusal=refusal(queue),
        loss=data_loss(queue),
    )
