"""A group of jobs, read from its hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .job import ENDED_STATES
from .values import integer, iso


@dataclass(frozen=True)
class Group:
    """The jobs that were added with the same group, at one moment."""

    queue: str
    name: str
    #: As they stand in Redis.
    fields: Mapping[str, str]

    @classmethod
    def from_reply(cls, queue: str, name: str, words: Sequence[str]) -> Group:
        """Read the hash as scripts return it: field, value, …"""
        return cls(queue, name, dict(zip(words[::2], words[1::2], strict=True)))

    @property
    def jobs(self) -> int:
        """How many jobs it has so far."""
        return self._number("jobs")

    @property
    def size(self) -> int | None:
        """How many jobs it will have, if a producer has said so."""
        return integer(self.fields.get("size"))

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many of its jobs completed, failed, were cancelled and expired."""
        return {name: self._number(name) for name in ENDED_STATES}

    @property
    def unfinished(self) -> int:
        """How many of its jobs have not ended."""
        return self.jobs - sum(self.outcomes.values())

    @property
    def is_closed(self) -> bool:
        """Whether no more jobs will be added: it has as many as its size, or it was closed."""
        return "closed" in self.fields or self.jobs >= (self.size or float("inf"))

    @property
    def has_ended(self) -> bool:
        """Whether all of its jobs have ended and no more will be added."""
        return self.is_closed and self.unfinished <= 0

    @property
    def ended_at(self) -> int | None:
        """When it ended last, ms since the epoch."""
        return integer(self.fields.get("endedAt"))

    def to_dict(self) -> dict[str, Any]:
        """Return the group for output: JSON types, camelCase names, times in ISO 8601 (UTC)."""
        return {
            "queue": self.queue,
            "group": self.name,
            "ended": self.has_ended,
            "closed": self.is_closed,
            "size": self.size,
            "jobs": self.jobs,
            "unfinished": self.unfinished,
            **self.outcomes,
            "endedAt": iso(self.ended_at),
        }

    def _number(self, name: str) -> int:
        return integer(self.fields.get(name)) or 0
