"""The janitor: the one child of a supervisor that runs no jobs but keeps the queues in order.

For each of its supervisor's queues it renews the instance's lease, moves jobs that are due from `delayed` to
`wait`, and recovers what instances left behind whose lease ran out. Any number of janitors may do so at once.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from ..config import EX_CONFIG
from ..log import facts
from ..orphans import is_orphan
from ..queue import connections
from ..queue.job import Job
from ..queue.keys import Keys
from ..queue.scripts import Caller
from ..queue.slot import LONGEST_POP_MS
from ..settings import Config, QueueConfig
from . import deliveries, reports
from .inbox import EVERYBODYS
from .outage import Outage
from .pulse import Pulse
from .touch import Touch

logger = logging.getLogger(__name__)

#: Seconds between two rounds. A retry waits at least about as long, so its due time is always known before.
_ROUND = 1.0

#: Due jobs moved by one script call: few enough that nobody else waits long.
_PROMOTED_AT_ONCE = 500

#: Dead instances cleared by one script call.
_REAPED_AT_ONCE = 10

#: Asks the janitor to give up the lease and go. Not SIGTERM: whoever signals the whole process group, as a
#: terminal or a container may, must not make it go before the workers.
LEAVE = signal.SIGUSR1


@dataclass(frozen=True)
class Footprint:
    """What an instance has on the queues, or had at any time: its slots by queue, also those closed since,
    and the queues as they were last configured. `started_at` is in ms."""

    instance: str
    slots: Mapping[str, int]
    queues: Mapping[str, QueueConfig]
    started_at: int


class Janitor:
    """Works for all queues of one instance."""

    def __init__(self, config: Config, footprint: Footprint, pulse: Pulse, version: str) -> None:
        self._config = config
        self._footprint = footprint
        self._pulse = pulse
        self._version = version
        self._redis = connections.client_without_retries(config.redis.url, timeout=max(0.5, config.lease / 5))
        self._callers = {
            queue: Caller(self._redis, Keys(config.redis.prefix, queue).base) for queue in footprint.slots
        }
        # A lease that lasted through an outage must not run out while we wait to try again.
        self._outage = Outage(longest=config.lease / 10)
        self._parent = os.getppid()
        self._heartbeat_due = 0.0
        self._touch = Touch(config.lease)

    def run(self) -> None:
        """Works until it is asked to leave; then it gives up the lease."""
        # LEAVE stays blocked as it was before the fork: it waits until it is fetched, so it can neither be
        # missed nor break into a call.
        for ignored in (signal.SIGTERM, *EVERYBODYS):
            signal.signal(ignored, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, [LEAVE])
        while True:
            try:
                if not self._pulse.is_ready:
                    refuse_unfit_server(self._redis)
                pause = self.loop()
                self._pulse.ready()
                self._outage.over()
            except RedisError as error:
                pause = self._outage.failed(error)
            self._pulse.beat()
            if signal.sigtimedwait([LEAVE], pause):
                break
            if is_orphan(self._parent):
                return
        self._leave()

    def loop(self) -> float:
        """One round over all queues; returns the seconds until the next."""
        pause = min(_ROUND, self._heartbeat_interval)
        for queue in self._callers:
            # Asked anew for each queue: one that takes long must not let the lease run out.
            self._heartbeats_if_due()
            self._pulse.beat()
            try:
                pause = min(pause, self._promote(queue), self._forward(queue))
                self._reap(queue)
            except ResponseError as error:
                # A key that somebody has broken, say. The other queues must not suffer for it.
                logger.error(
                    "This queue can not be kept in order", extra=facts(queue=queue, error=str(error))
                )
        return pause

    @property
    def _heartbeat_interval(self) -> float:
        """Seconds."""
        return self._config.lease / 5

    def _heartbeats_if_due(self) -> None:
        if time.monotonic() >= self._heartbeat_due:
            for queue in self._callers:
                self._heartbeat(queue)
            self._touch.renew()
            self._heartbeat_due = time.monotonic() + self._heartbeat_interval

    def _heartbeat(self, queue: str) -> None:
        footprint = self._footprint
        known = {
            "host": socket.gethostname(),
            "pid": os.getppid(),
            "startedAt": footprint.started_at,
            "version": self._version,
        }
        words = [str(word) for pair in known.items() for word in pair]
        lease = round(self._config.lease * 1000)
        slots, notices = footprint.slots[queue], int(self._tells(queue))
        self._callers[queue]("heartbeat", footprint.instance, lease, slots, notices, *words)

    def _tells(self, queue: str) -> bool:
        return deliveries.wants_notices(queue, self._config.webhook.url)

    def _promote(self, queue: str) -> float:
        moved, next_in_ms = self._callers[queue]("promote", _PROMOTED_AT_ONCE)
        if moved:
            logger.debug("Due jobs were moved", extra=facts(queue=queue, jobs=moved))
        return _ROUND if next_in_ms < 0 else next_in_ms / 1000

    def _forward(self, queue: str) -> float:
        """Seconds until the next round: none when there may be more notices."""
        if not self._tells(queue):
            return _ROUND
        forwarded = deliveries.forward(queue, self._redis, self._config.redis.prefix)
        return 0.0 if forwarded == deliveries.BATCH else _ROUND

    def _reap(self, queue: str) -> None:
        limit = self._footprint.queues[queue].recoveries
        reaped, dead = self._callers[queue](
            *("reap", limit, _REAPED_AT_ONCE, self._footprint.instance, LONGEST_POP_MS, self._touch.lasted_ms)
        )
        for fields in dead:
            reports.failed_permanently(Job.from_reply(queue, fields), self._config.log)
        for instance, jobs in zip(reaped[::2], reaped[1::2], strict=True):
            logger.warning(
                "An instance is gone, its jobs run again",
                extra=facts(queue=queue, instance=instance, jobs=jobs),
            )

    def _leave(self) -> None:
        for queue, call in self._callers.items():
            try:
                (released,) = call("leave", self._footprint.instance)
            except RedisError as error:
                logger.warning(
                    "The lease could not be given up, it runs out by itself",
                    extra=facts(queue=queue, error=str(error)),
                )
                return
            if released:
                logger.info("Unfinished jobs went back to the queue", extra=facts(queue=queue, jobs=released))


def refuse_unfit_server(client: redis.Redis) -> None:
    """Ends the process with EX_CONFIG when the server would lose jobs, or refuses us.

    A server that evicts keys throws jobs away when its memory is full.
    """
    try:
        memory: dict[str, Any] = client.info("memory")
    except (AuthenticationError, NoPermissionError) as error:
        logger.critical(
            "Redis refuses us: check REDIS_URL and the rights of its user", extra=facts(error=str(error))
        )
        sys.exit(EX_CONFIG)
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        logger.critical(
            f"Redis has maxmemory-policy {policy}: it would throw jobs away. Set it to noeviction.",
            extra=facts(policy=policy),
        )
        sys.exit(EX_CONFIG)
