"""What a user's next job costs where users take turns: behind the user's own, and between another user's."""

from __future__ import annotations

from dataclasses import dataclass

from preppath_workers import NewJob, Queue
from preppath_workers.store.connections.connection import client

from .steps import median_ms

#: Waiting jobs of another user, and the user's own.
JOBS = tuple((others, own) for others in (1_000, 10_000, 200_000) for own in (1, 100, 1_000))

_BATCH = 200

HEADINGS = (
    "another user's jobs",
    "own jobs",
    "enqueue",
    f"{_BATCH} at once",
    "`show`",
    "`cancel`",
    "longest command",
    "commands over 5 ms",
)


@dataclass(frozen=True)
class Insertion:
    """One queue with turns on an empty server."""

    url: str
    others: int
    own: int

    def row(self) -> list[str]:
        queue = Queue("bench", client(self.url, timeout=60))
        queue.redis.flushall()
        queue.redis.hset(queue.keys.fair, "by", "user")
        queue.enqueue_many(NewJob({"user": "other"}) for _ in range(self.others))
        queue.enqueue_many(NewJob({"user": "own"}) for _ in range(self.own))
        queue.redis.config_set("slowlog-log-slower-than", 1_000)
        queue.redis.slowlog_reset()
        ids = [f"own{number}" for number in range(50)]
        adds, shows, cancels = iter(ids), iter(ids), iter(ids)
        times = [
            median_ms(lambda: queue.enqueue({"user": "own"}, id=next(adds)), len(ids)),
            median_ms(lambda: queue.enqueue_many([NewJob({"user": "own"})] * _BATCH), 5),
            median_ms(lambda: queue.locate(next(shows), None), len(ids)),
            median_ms(lambda: queue.cancel(next(cancels)), len(ids)),
        ]
        slow = [entry["duration"] for entry in queue.redis.slowlog_get(1_000)]
        longest = f"{max(slow) / 1000:.1f}" if slow else "under 1"
        shown = [f"{ms:.2f}" for ms in times]
        return [f"{self.others:,}", f"{self.own:,}", *shown, longest, str(sum(us > 5_000 for us in slow))]
