"""Reads jobs as lists show them. A whole job may have a megabyte of data, and a list has many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from ..job import Job
from ..values import text
from .reader import QueueReader

#: The most bytes of a job's data that are read.
_MOST_DATA = 4_000

#: Jobs that one call reads.
_PORTION = 50


class BriefReader(QueueReader):
    """Reads jobs without their results and steps, and with the size of large data in place of it."""

    @classmethod
    def of(cls, queue: QueueReader) -> Self:
        """Return a reader of the same queue."""
        return cls(queue.name, queue.redis, queue.keys.prefix)

    def get_many(self, ids: Iterable[str]) -> list[Job]:
        """Return those of the jobs that exist, in several round trips."""
        wanted = list(ids)
        portions = (wanted[first : first + _PORTION] for first in range(0, len(wanted), _PORTION))
        return [
            Job.from_reply(self.name, [text(word) for word in words])
            for portion in portions
            for words in self.call("job_heads", _MOST_DATA, *portion)
        ]
