"""The queues that the server shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..config.model import QueueConfig
from ..queue import Queue
from ..queue.summary import summarize
from .guard import Problem


@dataclass(frozen=True)
class Queues:
    """The queues of one configuration, by name, with their settings."""

    by_name: Mapping[str, Queue]
    settings: Mapping[str, QueueConfig]

    @classmethod
    def of(cls, configured: Iterable[tuple[Queue, QueueConfig]]) -> Queues:
        """Return these queues with their settings."""
        pairs = list(configured)
        return cls(
            {queue.name: queue for queue, _ in pairs}, {queue.name: settings for queue, settings in pairs}
        )

    def summary(self, name: str) -> dict[str, Any]:
        """Return a queue's summary, as `queues --json` prints it. Raises Problem."""
        return summarize(self.get(name), self.settings[name].rate_limit).to_dict()

    def get(self, name: str) -> Queue:
        """Return a queue. Raises Problem if there is none with that name."""
        if name not in self.by_name:
            raise Problem(404, f"there is no queue {name!r}: expected {', '.join(self.by_name)}")
        return self.by_name[name]
