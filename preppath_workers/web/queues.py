"""The queues that the server shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.model import QueueConfig, RedisConfig
from ..queue import Queue
from ..queue.summary import summarize
from ..store.clients import Clients
from .guard import Problem


@dataclass(frozen=True)
class Queues:
    """The queues of one configuration, by name, with their settings."""

    by_name: Mapping[str, Queue]
    settings: Mapping[str, QueueConfig]

    @classmethod
    def open(cls, where: RedisConfig, settings: Sequence[QueueConfig]) -> Queues:
        """Return the queues. No connection is opened before the first request."""
        clients = Clients.patient(where)
        return cls(
            {
                queue.name: Queue(queue.name, clients.of(queue.name), where.prefix, durable=where.enqueue)
                for queue in settings
            },
            {queue.name: queue for queue in settings},
        )

    def summary(self, name: str) -> dict[str, Any]:
        """Return a queue's summary, as `queues --json` prints it. Raises Problem."""
        return summarize(self.get(name), self.settings[name].rate_limit).to_dict()

    def get(self, name: str) -> Queue:
        """Return a queue. Raises Problem if there is none with that name."""
        if name not in self.by_name:
            raise Problem(404, f"there is no queue {name!r}: expected {', '.join(self.by_name)}")
        return self.by_name[name]
