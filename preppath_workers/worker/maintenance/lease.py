"""An instance's lease of one queue, and those of others: an instance whose lease expired is dead."""

from __future__ import annotations

import logging
import os
import socket
import time

from ... import __version__
from ...config.model import Config
from ...log import fields
from ...store.consuming.consumer import LONGEST_POP_MS
from ...store.job import Job
from ...store.scripts import Caller
from ...store.values import milliseconds
from ..attempt import job_log
from ..processes.instance_info import InstanceInfo
from . import webhooks
from .connection_uptime import ConnectionUptime
from .epochs import Epochs
from .rate_limits import RateLimits
from .steps import Steps

logger = logging.getLogger(__name__)

#: Seconds between two renewals that also store what the instance is. Far less than `tokens`, `limit` and
#: `eventsUntil` live without them.
_DESCRIBE_INTERVAL = 30.0

#: Dead instances that one script call recovers.
_REAP_BATCH = 10


class Lease:
    """Renews an instance's lease of one queue, and recovers the jobs of instances whose lease expired."""

    def __init__(
        self,
        config: Config,
        instance_info: InstanceInfo,
        queue: str,
        call: Caller,
        steps: Steps,
        epochs: Epochs,
    ) -> None:
        self._config = config
        self._instance_info = instance_info
        self._queue = queue
        self._call = call
        self._steps = steps
        self._epochs = epochs
        self._rate_limits = RateLimits(queue)
        self._uptime = ConnectionUptime(config.lease, instance_info.connections[queue])
        #: In seconds of the monotonic clock: when to store what the instance is, and when to reap.
        self._describe_at = 0.0
        self._reap_at = 0.0

    def renew(self) -> bool:
        """Renew the lease, and store what the instance is if that is due. Returns True."""
        began = time.monotonic()
        if began < self._describe_at:
            if self._renew():
                return True
            self._reap_at = began  # Redis has lost what it knew of the instances
        self._describe()
        self._describe_at = began + min(_DESCRIBE_INTERVAL, 2 * self._config.lease)
        return True

    def reap_if_due(self, again: float) -> float:
        """Recover the jobs of dead instances if a lease may have expired. Returns the seconds until the next
        may: `again` after a call, since it may not be sure yet whether one has expired; 0 if there may be
        more."""
        if (left := self._reap_at - time.monotonic()) > 0:
            return left
        self._reap_at = time.monotonic() + again
        if not self._reap():
            return again
        self._reap_at = 0.0
        return 0.0

    def release(self) -> int:
        """Release the lease. Returns how many unfinished jobs were requeued."""
        requeued = 0
        while True:
            jobs, *more = self._call("leave", self._instance_info.instance)
            requeued += int(jobs)
            if not more:
                return requeued

    def _renew(self) -> bool:
        """Renew the lease. Returns whether the instance was registered."""
        lease, seen = milliseconds(self._config.lease), self._epochs.seen(self._queue)
        answer = self._call("renew", self._instance_info.instance, lease, *seen)
        if not answer:
            return False
        server_ms, next_end_ms = map(int, answer[:2])
        self._uptime.renew(server_ms)
        wait = next_end_ms / 1000 if next_end_ms >= 0 else float("inf")
        self._reap_at = time.monotonic() + wait
        compare = self._epochs.compare
        self._steps.run(self._queue, "advance_epoch", lambda: compare(self._queue, server_ms, answer[2:]))
        return True

    def _describe(self) -> None:
        """Renew the lease and store what the instance is."""
        queue, info = self._queue, self._instance_info
        details = {
            "host": socket.gethostname(),
            "pid": os.getppid(),
            "startedAt": info.started_at,
            "version": __version__,
            "workers": info.workers.get(queue, info.slots[queue]),
            "fairBy": info.queues[queue].fair_by,
        }
        pairs = [str(word) for pair in details.items() for word in pair]
        lease, age = map(milliseconds, (self._config.lease, time.monotonic() - info.configured_at))
        events = int(webhooks.wants_events(queue, self._config.webhook.url))
        limit = info.queues[queue].rate_limit
        rate = (limit.max, milliseconds(limit.duration)) if limit else (0, 0)
        server_ms, *conflict = self._call(
            "heartbeat", info.instance, lease, info.slots[queue], events, *rate, age, *pairs
        )
        self._rate_limits.compare(limit, conflict)
        self._uptime.renew(int(server_ms))

    def _reap(self) -> bool:
        """Recover some jobs of dead instances. Returns whether there were such instances."""
        recoveries, lease = self._instance_info.queues[self._queue].recoveries, self._config.lease
        reaped, dead = self._call(
            *("reap", recoveries, _REAP_BATCH, self._instance_info.instance, LONGEST_POP_MS),
            *(self._uptime.uptime_ms, milliseconds(lease), self._uptime.latest_ms),
        )
        for words in dead:
            job_log.failed_permanently(Job.from_reply(self._queue, words), self._config.log)
        for instance, jobs in zip(reaped[::2], reaped[1::2], strict=True):
            logger.warning(
                "Recovered jobs of dead instance",
                extra=fields(queue=self._queue, instance=instance, jobs=jobs),
            )
        return bool(reaped)
