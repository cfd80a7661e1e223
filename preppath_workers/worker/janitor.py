"""The janitor: the one child of a supervisor that runs no jobs but keeps the queues in order.

For each of its supervisor's queues it renews the instance's lease, moves jobs that are due from `delayed` to
`wait`, and recovers what instances left behind whose lease ran out. Any number of janitors may do so at once.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from redis.exceptions import RedisError

from ..config.model import Config, QueueConfig
from ..log import fields
from ..parent_death import is_orphaned
from ..store import connection
from ..store.consumer import LONGEST_POP_MS
from ..store.job import Job
from ..store.keys import Keys
from ..store.refusals import is_refusal
from ..store.scripts import Caller
from . import job_log, webhooks
from .connection_uptime import ConnectionUptime
from .fitness import refuse_newer_layout, refuse_unfit_server
from .liveness import Liveness
from .rate_limits import RateLimits
from .reconnect_backoff import ReconnectBackoff
from .signals import GROUP_SIGNALS
from .steps import Steps

logger = logging.getLogger(__name__)

#: Seconds between two rounds. A retry waits at least about as long, so its due time is always known before.
_ROUND = 1.0

#: Due jobs moved by one script call: few enough that nobody else waits long.
_PROMOTED_AT_ONCE = 500

#: Seconds between two calls while there is more to move: others use the server meanwhile.
_SHORTEST_ROUND = 0.01

#: Dead instances cleared by one script call.
_REAPED_AT_ONCE = 10

#: Asks the janitor to give up the lease and go. Not SIGTERM: whoever signals the whole process group, as a
#: terminal or a container may, must not make it go before the workers.
LEAVE = signal.SIGUSR1


@dataclass(frozen=True)
class InstanceInfo:
    """What an instance has on the queues, or had at any time: its slots by queue, also those closed since,
    and the queues as they were last configured. `started_at` is in ms since the epoch, `configured_at` in
    seconds of the monotonic clock: when the configuration was read."""

    instance: str
    slots: Mapping[str, int]
    queues: Mapping[str, QueueConfig]
    started_at: int
    configured_at: float = 0.0
    #: Workers by queue, as configured now; a queue that is not named has one in each slot.
    workers: Mapping[str, int] = field(default_factory=dict)


class Janitor:
    """Works for all queues of one instance."""

    def __init__(self, config: Config, instance_info: InstanceInfo, liveness: Liveness, version: str) -> None:
        self._config = config
        self._instance_info = instance_info
        self._liveness = liveness
        self._version = version
        self._redis = connection.client_without_retries(config.redis.url, timeout=max(0.5, config.lease / 5))
        self._keys = [Keys(config.redis.prefix, queue) for queue in instance_info.slots]
        self._callers = {keys.queue: Caller(self._redis, keys.base) for keys in self._keys}
        #: In the order of the next round: it begins behind the queue where the last one was cut off.
        self._order = deque(self._callers)
        self._steps = Steps()
        self._limits = RateLimits()
        # A lease that lasted through an outage must not run out while we wait to try again.
        self._backoff = ReconnectBackoff(longest=config.lease / 10)
        self._parent = os.getppid()
        self._heartbeat_due = 0.0
        self._has_renewed = False
        self._renewed_at = time.monotonic()
        self._touch = {queue: ConnectionUptime(config.lease) for queue in self._callers}

    def run(self) -> None:
        """Works until it is asked to leave; then it gives up the lease."""
        # LEAVE stays blocked as it was before the fork: it waits until it is fetched, so it can neither be
        # missed nor break into a call.
        for ignored in (signal.SIGTERM, *GROUP_SIGNALS):
            signal.signal(ignored, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, [LEAVE])
        while True:
            try:
                if not self._liveness.is_ready:
                    refuse_unfit_server(self._redis)
                    refuse_newer_layout(self._redis, self._keys)
                pause = self.loop()
                if self._has_renewed:
                    self._liveness.ready()
                self._backoff.succeeded()
            except RedisError as error:
                pause = self._backoff.failed(error)
                # Whatever it was, the next try finds out anew which server the address leads to.
                self._redis.connection_pool.disconnect()
            self._beat()
            if signal.sigtimedwait([LEAVE], pause):
                break
            if is_orphaned(self._parent):
                return
        self._leave()

    def loop(self) -> float:
        """One round over all queues; returns the seconds until the next. Raises redis.RedisError."""
        pause = min(self._round, self._heartbeat_interval)
        for queue in list(self._order):
            self._order.rotate(-1)
            # Asked anew for each queue: one that takes long must not let the lease run out.
            self._heartbeats_if_due()
            self._beat()
            # What the dead left behind comes first: nothing else must keep it from running again.
            steps: dict[str, Callable[[str], float]] = {
                "reap": self._reap,
                "promote_due": self._promote,
                "forward": self._enqueue_deliveries,
            }
            for name, step in steps.items():
                wanted = self._steps.run(queue, name, partial(step, queue))
                pause = min(pause, _ROUND if wanted is None else wanted)
        return max(pause, _SHORTEST_ROUND)

    @property
    def _round(self) -> float:
        """Seconds between two rounds: a retry must be known before it is due, however short its backoff."""
        backoffs = [queue.backoff for queue in self._instance_info.queues.values() if queue.backoff > 0]
        return max(_SHORTEST_ROUND, min([_ROUND, *(backoff / 2 for backoff in backoffs)]))

    @property
    def _heartbeat_interval(self) -> float:
        """Seconds."""
        return self._config.lease / 5

    def _beat(self) -> None:
        """Gives a sign of life, unless Redis answers and yet no lease could be renewed for the time of one: a
        successor may do better."""
        if self._backoff.is_silence or time.monotonic() - self._renewed_at < self._config.lease:
            self._liveness.beat()

    def _heartbeats_if_due(self) -> None:
        if time.monotonic() < self._heartbeat_due:
            return
        for queue in self._order:
            if self._steps.run(queue, "heartbeat", partial(self._heartbeat, queue)):
                self._has_renewed = True
                self._renewed_at = time.monotonic()
        self._heartbeat_due = time.monotonic() + self._heartbeat_interval

    def _heartbeat(self, queue: str) -> bool:
        instance_info = self._instance_info
        known = {
            "host": socket.gethostname(),
            "pid": os.getppid(),
            "startedAt": instance_info.started_at,
            "version": self._version,
            "workers": instance_info.workers.get(queue, instance_info.slots[queue]),
        }
        words = [str(word) for pair in known.items() for word in pair]
        lease = _ms(self._config.lease)
        slots, events = instance_info.slots[queue], int(self._wants_events(queue))
        limit = instance_info.queues[queue].rate_limit
        rate = (limit.max, _ms(limit.duration)) if limit else (0, 0)
        age = _ms(time.monotonic() - instance_info.configured_at)
        server_ms, *dispute = self._callers[queue](
            "heartbeat", instance_info.instance, lease, slots, events, *rate, age, *words
        )
        self._limits.compare(queue, limit, dispute)
        self._touch[queue].renew(int(server_ms))
        return True

    def _wants_events(self, queue: str) -> bool:
        return webhooks.wants_events(queue, self._config.webhook.url)

    def _promote(self, queue: str) -> float:
        moved, next_in_ms = self._callers[queue]("promote_due", _PROMOTED_AT_ONCE)
        if moved:
            logger.debug("Due jobs were moved", extra=fields(queue=queue, jobs=moved))
        return _ROUND if next_in_ms < 0 else next_in_ms / 1000

    def _enqueue_deliveries(self, queue: str) -> float:
        """Seconds until the next round: none when there may be more notices."""
        if not self._wants_events(queue):
            return _ROUND
        forwarded = webhooks.enqueue_deliveries(queue, self._redis, self._config.redis.prefix)
        return 0.0 if forwarded == webhooks.BATCH else _ROUND

    def _reap(self, queue: str) -> float:
        limit, connection_uptime = self._instance_info.queues[queue].recoveries, self._touch[queue]
        reaped, dead = self._callers[queue](
            *("reap", limit, _REAPED_AT_ONCE, self._instance_info.instance, LONGEST_POP_MS),
            *(connection_uptime.uptime_ms, _ms(self._config.lease), connection_uptime.latest_ms),
        )
        for words in dead:
            job_log.failed_permanently(Job.from_reply(queue, words), self._config.log)
        for instance, jobs in zip(reaped[::2], reaped[1::2], strict=True):
            logger.warning(
                "An instance is gone, its jobs run again",
                extra=fields(queue=queue, instance=instance, jobs=jobs),
            )
        return _ROUND

    def _leave(self) -> None:
        for queue, call in self._callers.items():
            try:
                (released,) = call("leave", self._instance_info.instance)
            except RedisError as error:
                logger.warning(
                    "The lease could not be given up, it runs out by itself",
                    extra=fields(queue=queue, error=str(error)),
                )
                if not is_refusal(error):
                    return
                continue
            if released:
                logger.info(
                    "Unfinished jobs went back to the queue", extra=fields(queue=queue, jobs=released)
                )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
