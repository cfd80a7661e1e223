"""What a supervisor tells its janitor about itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...config.model import QueueConfig
from .cancellations import Cancellations
from .connection_record import ConnectionRecord


@dataclass(frozen=True)
class InstanceInfo:
    """An instance and its queues.

    Args:
        instance: the instance's name.
        slots: the most slots that each queue has had, including slots that are closed now.
        queues: every queue as it was last configured.
        started_at: ms since the epoch.
        configured_at: when the configuration was read, in seconds of the monotonic clock.
        workers: configured workers by queue; queues that are missing here have one in each slot.
        cancellations: where workers see that their job is cancelled.
        connections: what the instance's earlier janitors leave to this one, by queue.
    """

    instance: str
    slots: Mapping[str, int]
    queues: Mapping[str, QueueConfig]
    started_at: int
    configured_at: float = 0.0
    workers: Mapping[str, int] = field(default_factory=dict)
    cancellations: Cancellations = field(default_factory=Cancellations)
    connections: Mapping[str, ConnectionRecord] = field(default_factory=lambda: defaultdict(ConnectionRecord))
