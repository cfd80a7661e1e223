"""The janitor: maintains an instance's queues on one server, in a process that runs no jobs.

For each queue of its instance it renews the lease, moves due jobs from `delayed` to `wait`, recovers the jobs
of dead instances and enqueues webhook deliveries. Any number of janitors may do so at the same time.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain

from redis.exceptions import RedisError

from ...config.model import Config
from ...log import fields
from ...queue import Queue
from ...store.connections.clients import Clients
from ...store.keys import Keys
from ...store.layout import refuse_newer_layout
from ...store.operation import run
from ...store.reading.history import KEPT
from ...store.refusals import is_refusal
from ...store.scripts import Caller
from ..processes.forking import is_orphaned
from ..processes.instance_info import InstanceInfo
from ..processes.signals import CANCEL
from ..reconnect_backoff import ReconnectBackoff
from . import webhooks
from .budget_keeper import BudgetKeeper
from .epochs import Epochs
from .fitness import EvictionWatch, refuse_unfit_server
from .lease import Lease
from .steps import Steps

logger = logging.getLogger(__name__)

#: Seconds between two rounds.
_ROUND = 1.0

#: Due jobs that one script call moves: bounds the time that Redis is blocked.
_PROMOTE_BATCH = 100

#: The most seconds for which a round moves due jobs of one queue.
_PROMOTE_TIME = 0.1

#: Seconds between two rounds while there is more to do, so that other clients are served in between.
_SHORTEST_ROUND = 0.01


class Janitor:
    """Maintains some of an instance's queues: those that one client reaches."""

    def __init__(
        self,
        config: Config,
        instance_info: InstanceInfo,
        clients: Clients,
        queues: Sequence[str],
        beat: Callable[[], None],
    ) -> None:
        """`beat` is called before each step."""
        self._config = config
        self._instance_info = instance_info
        self._beat = beat
        self._redis = clients.of(queues[0])
        self._deliveries = Queue(
            webhooks.WEBHOOK_QUEUE, clients.of(webhooks.WEBHOOK_QUEUE), config.redis.prefix
        )
        self._keys = {queue: Keys(config.redis.prefix, queue) for queue in queues}
        self._callers = {queue: Caller(self._redis, keys.base) for queue, keys in self._keys.items()}
        #: Queues in the order of the next round, which continues after the queue that ended the last one.
        self._order = deque(self._callers)
        self._steps = Steps()
        self._eviction = EvictionWatch(self._redis, config.lease)
        settings = {queue: instance_info.queues[queue] for queue in queues}
        self._budget = BudgetKeeper(config, clients, settings, self._steps)
        self._epochs = Epochs()
        self._leases = {
            queue: Lease(config, instance_info, queue, call, self._steps, self._epochs)
            for queue, call in self._callers.items()
        }
        # Short pauses, so that a lease that outlived an outage is renewed before it expires.
        self._backoff = ReconnectBackoff(longest=config.lease / 10, queues=list(queues))
        self._heartbeat_due = 0.0
        #: When to store a queue's figures, in seconds of the monotonic clock.
        self._note_at = dict.fromkeys(self._callers, 0.0)
        #: Whether it has renewed the lease of a queue.
        self.has_renewed = False
        self._is_fit = False
        self._round_due = 0.0
        self._renewed_at = time.monotonic()

    @property
    def is_well(self) -> bool:
        """Whether it does its work, or cannot because Redis does not answer. It isn't well if Redis answers,
        but no lease was renewed for one lease."""
        return self._backoff.is_unreachable or time.monotonic() - self._renewed_at < self._config.lease

    def round_if_due(self) -> float:
        """Do one round if it is time for it. Returns the seconds until the next."""
        if (left := self._round_due - time.monotonic()) > 0:
            return left
        try:
            if not self._is_fit:
                refuse_unfit_server(self._redis)
                for keys in self._keys.values():
                    run(refuse_newer_layout(keys), self._redis.execute_command)
                self._is_fit = True
            pause = self.loop()
            self._backoff.succeeded()
        except RedisError as error:
            pause = self._backoff.failed(error)
            # After a failover the address may lead to another server: reconnect.
            for client in (self._redis, self._deliveries.redis):
                client.connection_pool.disconnect()
        self._round_due = time.monotonic() + pause
        return pause

    def loop(self) -> float:
        """Do one round over all queues. Returns the seconds until the next. Raises redis.RedisError."""
        pause = min(self._round, self._heartbeat_interval)
        self._keep_alive()
        self._steps.run("*", "eviction", self._eviction.look_if_due)
        is_idle = self._steps.run("*", "look", partial(self._has_work, self._order)) is False
        for queue in list(self._order):
            self._order.rotate(-1)
            # Recovery comes first, so that no other step delays it.
            pause = min(pause, self._step(queue, "reap", self._reap))
            pause = min(pause, self._step(queue, "keep_budget", self._budget.look_if_due))
            pause = min(pause, self._step(queue, "note_minute", self._note_minute))
            if not is_idle and self._steps.run(queue, "look", partial(self._has_work, [queue])) is not False:
                pause = min(pause, self._step(queue, "find_cancelled", self._interrupt_cancelled))
                pause = min(pause, self._step(queue, "promote_due", self._promote))
                pause = min(pause, self._step(queue, "enqueue_deliveries", self._enqueue_deliveries))
        self._steps.run("*", "settle_budget", self._budget.settle_if_due)
        return max(pause, _SHORTEST_ROUND)

    def _step(self, queue: str, name: str, step: Callable[[str], float]) -> float:
        """Run a step. Returns the seconds until it wants to run again."""
        # Before each step, so that a slow server or queue does not let the lease expire.
        self._keep_alive()
        wanted = self._steps.run(queue, name, partial(step, queue))
        return _ROUND if wanted is None else wanted

    @property
    def _round(self) -> float:
        """Seconds between two rounds: short enough to see every retry by the time it is due."""
        backoffs = [queue.backoff for queue in self._instance_info.queues.values() if queue.backoff > 0]
        return max(_SHORTEST_ROUND, min([_ROUND, *backoffs]))

    @property
    def _heartbeat_interval(self) -> float:
        """Seconds."""
        return self._config.lease / 5

    def _keep_alive(self) -> None:
        """Beat, and renew the leases if it is time for it."""
        self._beat()
        if time.monotonic() < self._heartbeat_due:
            return
        for queue in self._order:
            if self._steps.run(queue, "heartbeat", self._leases[queue].renew):
                self.has_renewed = True
                self._renewed_at = time.monotonic()
            self._beat()
        self._epochs.log_losses()
        self._heartbeat_due = time.monotonic() + self._heartbeat_interval

    def _has_work(self, queues: Iterable[str]) -> bool:
        """Return whether there may be due jobs, raw pushes, events or cancelled jobs: one command, for idle
        queues."""
        instance = self._instance_info.instance
        looked_at = (
            (keys.delayed, keys.wait, keys.later, keys.events, keys.cancels(instance))
            for keys in (self._keys[queue] for queue in queues)
        )
        return bool(self._redis.exists(*chain.from_iterable(looked_at)))

    def _promote(self, queue: str) -> float:
        ends = time.monotonic() + _PROMOTE_TIME
        while True:
            began = time.monotonic()
            moved, next_in_ms, *buried = self._callers[queue]("promote_due", _PROMOTE_BATCH)
            for job_id, dead_letter in zip(buried[::2], buried[1::2], strict=True):
                logger.error(
                    "Overwritten job: its key holds no hash, a dead letter names it",
                    extra=fields(queue=queue, jobId=job_id, deadLetter=dead_letter),
                )
            if moved:
                logger.debug("Promoted due jobs", extra=fields(queue=queue, jobs=moved))
            ended = time.monotonic()
            if next_in_ms or ended > ends:
                break
            time.sleep(ended - began)  # Redis serves other clients for as long
        return _ROUND if next_in_ms < 0 else next_in_ms / 1000

    def _enqueue_deliveries(self, queue: str) -> float:
        """Return the seconds until the next round: 0 if there may be more events."""
        if not webhooks.wants_events(queue, self._config.webhook.url):
            return _ROUND
        events = Queue(queue, self._redis, self._config.redis.prefix)
        enqueued = webhooks.enqueue_deliveries(events, self._deliveries)
        return 0.0 if enqueued == webhooks.BATCH else _ROUND

    def _note_minute(self, queue: str) -> float:
        """Store the queue's figures at the beginning of a minute. Return the seconds until the next."""
        if time.monotonic() >= self._note_at[queue]:
            self._callers[queue]("note_minute", KEPT)
            self._note_at[queue] = time.monotonic() + 60 - time.time() % 60
        return _ROUND

    def _reap(self, queue: str) -> float:
        return self._leases[queue].reap_if_due(_ROUND)

    def _interrupt_cancelled(self, queue: str) -> float:
        """Tell the workers of this instance which of their running jobs are cancelled."""
        instance = self._instance_info.instance
        if self._redis.exists(self._keys[queue].cancels(instance)):
            cancelled = self._callers[queue]("find_cancelled", instance)
            add = self._instance_info.cancellations.add
            new = [attempt for attempt in cancelled if add(queue, *attempt)]
            if new and not is_orphaned():
                os.kill(os.getppid(), CANCEL)  # the supervisor, which alerts its workers
        return _ROUND

    def leave(self) -> None:
        """Release the leases."""
        for queue, lease in self._leases.items():
            try:
                requeued = lease.release()
            except RedisError as error:
                logger.warning(
                    "Cannot release the lease, it will expire",
                    extra=fields(queue=queue, error=str(error)),
                )
                if not is_refusal(error):
                    return
                continue
            if requeued:
                logger.info("Requeued unfinished jobs", extra=fields(queue=queue, jobs=requeued))
