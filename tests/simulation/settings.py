"""What all of one run's actors agree on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from unittest.mock import patch

from preppath_workers.config.load import load
from preppath_workers.config.model import Config, QueueConfig, RateLimit
from preppath_workers.store.consuming import slot_connection
from preppath_workers.store.consuming.consumer import Consumer
from tests.support.minimal_env import MINIMAL_ENV

from .proxy import ConsumerConnection

LEASE_MS = 2_000

#: Times that a job may lose its worker, and may fail and be tried again.
RECOVERIES, RETRIES = 1, 1

BACKOFF_MS = 300

#: The longest time between two probes, and how long a job waits for a service (ms).
CEILING_MS, PATIENCE_MS = 2_000, 10_000

#: Completions that are listed.
LISTED = 3

#: In a calm run nothing holds the queue, so the scripts take their fast paths. In a stormy one services fail
#: for long, and little else happens. In a busy one a service works for nearly all of many jobs.
MOODS = ("calm", "mixed", "stormy", "busy")

_CONFIG = replace(
    load(MINIMAL_ENV, []),
    lease=LEASE_MS / 1000,
    probe_interval=CEILING_MS / 1000,
    outage_patience=PATIENCE_MS / 1000,
    keep_completed_count=LISTED,
)


@dataclass(frozen=True)
class Settings:
    """A run's prefix of keys, its rate limit, max and duration (ms), and its mood."""

    prefix: str
    limit: tuple[int, int] | None
    mood: str
    #: The users of the first jobs and of the later ones, one character each; "" if users don't take turns.
    users: tuple[str, str] = ("", "")
    #: Whether `wait` is kept short, so that most jobs wait in `later`.
    has_short_list: bool = False
    #: Whether jobs belong to groups, whose ends are reported, and active jobs are cancelled too.
    has_groups: bool = False
    #: Whether attempts make paid requests, under a cap.
    is_paid: bool = False

    @property
    def is_fair(self) -> bool:
        """Whether users take turns."""
        return bool(self.users[0])

    @property
    def pauses(self) -> tuple[int, ...]:
        """Longer times that may pass in one move (ms)."""
        return (700, 1_000, 1_500) if self.mood in ("stormy", "busy") else ()

    @property
    def config(self) -> Config:
        return replace(_CONFIG, redis=replace(_CONFIG.redis, prefix=self.prefix))

    @property
    def queue(self) -> QueueConfig:
        limit = RateLimit(self.limit[0], self.limit[1] / 1000) if self.limit else None
        kind = QueueConfig("sim", retries=RETRIES, backoff=BACKOFF_MS / 1000, recoveries=RECOVERIES)
        return replace(kind, rate_limit=limit)

    def slot(self, instance: str, number: int, connection: ConsumerConnection) -> Consumer:
        with patch.object(slot_connection, "Connection", lambda *_: connection):
            return Consumer(self.config, self.queue, instance, number, chance=lambda: 0.0)
