"""The processes of one supervisor: a fixed number of workers for each queue, and a janitor."""

from __future__ import annotations

import logging
import signal
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property, partial
from multiprocessing.context import ForkProcess

from ..config.load import EX_CONFIG
from ..config.model import Config, QueueConfig
from ..registry import Registry
from .child import EX_NEWER_LAYOUT, fork_janitor, fork_worker
from .processes.cancellations import Cancellations
from .processes.connection_record import ConnectionRecord
from .processes.forking import reap_zombies
from .processes.instance_info import InstanceInfo
from .processes.liveness import Liveness
from .processes.machine_backoff import MachineBackoff
from .processes.managed_process import ManagedProcess
from .processes.signals import LEAVE
from .processes.standstill import Standstill

#: Seconds between two checks of the processes if no signal arrives.
_TICK = 1.0

#: Seconds between two checks while a change is expected that no signal announces.
_SHORT_TICK = 0.02

#: Seconds that a job may exceed its queue's time limit before its worker is killed.
_OVERTIME = 5.0

SlotId = tuple[str, int]


class Pool:
    """Forks the workers and the janitor, replaces those that end, and kills those that hang.

    No method blocks: each does what can be done now, and the supervisor calls it again later.
    """

    def __init__(self, config: Config, registry: Registry, instance: str) -> None:
        self.config = config
        self._registry = registry
        self._instance = instance
        self._generation = 0
        self._started_at = time.time_ns() // 1_000_000
        self._configured_at = time.monotonic()
        #: Every queue as it was last configured, and the most slots it has had: the janitor maintains closed
        #: slots too.
        self._queues: dict[str, QueueConfig] = {}
        self._slots: dict[str, int] = {}
        # Whatever ended the janitor, the next one must have time to renew the lease.
        self._janitor = ManagedProcess("janitor", self._fork_janitor, longest_delay=config.lease / 5)
        self._workers: dict[SlotId, ManagedProcess] = {}
        #: By queue. Each is created with the first process that needs it, whose start is tried again if the
        #: machine is out of memory.
        self._machine_backoffs = defaultdict[str, MachineBackoff](MachineBackoff)
        self._connections = defaultdict[str, ConnectionRecord](ConnectionRecord)
        self._services = registry.services(config)
        self._standstill = Standstill()
        self._configure()

    def reload(self, config: Config) -> None:
        """Switch to a new configuration: every process is replaced."""
        self._services = self._registry.services(config)  # first: if it fails, nothing has changed
        self.config = config
        self._configured_at = time.monotonic()
        self._generation += 1
        self._configure()
        # A janitor has no jobs, so it needs no time to stop.
        self._janitor.kill("Restarting janitor: configuration reloaded", logging.INFO)

    def resize(self, step: int) -> None:
        """Add `step` workers to each queue until the next reload; if negative, remove all but one at most."""
        queues = [
            replace(queue, concurrency=max(1, queue.concurrency + step)) for queue in self.config.queues
        ]
        self.config = replace(self.config, queues=tuple(queues))
        self._configure()
        self._janitor.kill("Restarting janitor: number of workers changed", logging.INFO)

    def reap(self) -> str | None:
        """Reap the processes that have ended.

        Returns the name of a process that exited because of the configuration, or None.
        """
        misconfigured = [process.name for process in self._processes() if _reap_misconfigured(process)]
        # A closed slot whose worker died gets one more worker, which requeues the slot's in-flight jobs.
        wanted = self._wanted()
        self._workers = {
            slot: process
            for slot, process in self._workers.items()
            if process.is_running or slot in wanted or not process.exited_cleanly
        }
        reap_zombies({process.process.pid for process in self._processes() if process.process})
        return misconfigured[0] if misconfigured else None

    def kill_hung(self) -> None:
        """Kill the processes that do not beat and the workers whose job exceeds its time limit."""
        if self._standstill.look():
            return
        for process in self._workers.values():
            process.kill_if_hung()
        # Early enough for the next janitor to renew the lease before it expires.
        if self._janitor.is_running and self._janitor.liveness.silent_for > self.config.lease * 2 / 3:
            self._janitor.kill("Killing unresponsive janitor")

    def spawn_missing(self) -> None:
        """Fork the processes that are missing and whose respawn delay is over."""
        self.spawn_janitor()
        if not self._janitor.is_ready:
            return  # no job may run before the janitor has checked the server and registered the slots
        for (queue, _), process in self._workers.items():
            self._spawn_if_due(process, self._queues[queue].timeout + _OVERTIME)

    def spawn_janitor(self) -> None:
        """Fork the janitor if it is missing: without a lease, another instance runs the active jobs too."""
        self._spawn_if_due(self._janitor, float("inf"))

    def replace_janitor(self) -> None:
        """Fork a janitor in place of one that has died, without a delay."""
        self._janitor.spawn(self._generation, float("inf"))

    def replace_outdated(self) -> None:
        """Stop workers of an older configuration.

        Busy ones stop after their job. Of the idle ones of a queue, one stops at a time, when the replacement
        of the one before is ready. None stops before the janitor has reached Redis with this configuration.
        """
        if not self.has_served:
            return
        wanted = self._wanted()
        transitioning = {queue for (queue, _), process in self._workers.items() if process.is_transitioning}
        for (queue, number), process in self._workers.items():
            if not process.is_running or process.stop_requested:
                continue
            if process.generation == self._generation and (queue, number) in wanted:
                continue
            if process.liveness.busy_for:
                process.signal(signal.SIGTERM)
            elif queue not in transitioning:
                process.signal(signal.SIGTERM)
                transitioning.add(queue)

    def alert_busy_workers(self) -> None:
        """Make the busy workers check whether their jobs are cancelled."""
        for process in self._workers.values():
            if process.is_running and process.liveness.busy_for:
                process.alert()

    def ask_workers_to_stop(self) -> None:
        """Ask every worker to stop after its job."""
        for process in self._workers.values():
            process.signal(signal.SIGTERM)

    def kill_workers(self, message: str, only_busy: bool = False) -> None:
        """Kill every worker, or those that run a job, and log the message for each."""
        for process in self._workers.values():
            if process.liveness.busy_for or not only_busy:
                process.kill(message)

    def ask_janitor_to_leave(self) -> None:
        """Ask the janitor to release the lease and exit."""
        self._janitor.signal(LEAVE)

    def kill_janitor(self, message: str) -> None:
        """Kill the janitor and log the message."""
        self._janitor.kill(message)

    @property
    def has_janitor_died(self) -> bool:
        """Whether the last janitor has ended before it released the lease, and there is no other."""
        return not (self._janitor.is_running or self._janitor.exited_cleanly)

    @property
    def has_workers(self) -> bool:
        """Whether a worker runs."""
        return any(process.is_running for process in self._workers.values())

    @property
    def is_empty(self) -> bool:
        """Whether no process runs, neither the janitor nor a worker."""
        return not self._janitor.is_running and not self.has_workers

    @property
    def has_served(self) -> bool:
        """Whether the janitor has reached Redis with this configuration."""
        return self._janitor.has_served(self._generation)

    @property
    def is_complete(self) -> bool:
        """Whether every configured process is ready and no process of an older configuration is left."""
        wanted = self._wanted()
        return self.has_served and all(
            process.has_served(self._generation) if slot in wanted else not process.is_running
            for slot, process in self._workers.items()
        )

    @property
    def is_healthy(self) -> bool:
        """Whether the janitor and at least one worker beat, even if Redis does not answer."""
        # Workers are forked only after the janitor has reached Redis.
        return self._janitor.is_healthy and (
            self._janitor.is_starting or any(process.is_healthy for process in self._workers.values())
        )

    @property
    def tick(self) -> float:
        """Seconds until the next check is needed if no signal arrives."""
        # SIGCHLD reports that a process has ended or the janitor is ready, but not that a worker is.
        if any(process.is_starting for process in self._processes()):
            return _SHORT_TICK
        return min(
            [
                _TICK,
                *(
                    process.respawn_delay + _SHORT_TICK
                    for process in self._processes()
                    if not process.is_running
                ),
            ]
        )

    def describe(self) -> str:
        """Return a status line such as `10 of 10 workers, 3 busy`."""
        wanted = self._wanted()
        ready = sum(process.is_ready for slot, process in self._workers.items() if slot in wanted)
        busy = sum(process.is_running and process.liveness.busy_for > 0 for process in self._workers.values())
        connecting = "" if self._janitor.is_ready else "; the janitor has not reached Redis yet"
        return f"{ready} of {len(wanted)} workers, {busy} busy{connecting}"

    def _configure(self) -> None:
        """Add a ManagedProcess for each configured slot."""
        for queue in self.config.queues:
            self._queues[queue.name] = queue
            self._slots[queue.name] = max(queue.concurrency, self._slots.get(queue.name, 0))
            for number in range(queue.concurrency):
                process = ManagedProcess(
                    f"{queue.name}:{number}", partial(self._fork_worker, queue.name, number)
                )
                self._workers.setdefault((queue.name, number), process)

    def _spawn_if_due(self, process: ManagedProcess, time_limit: float) -> None:
        if not process.is_running and not process.respawn_delay:
            process.spawn(self._generation, time_limit)

    @cached_property
    def _cancellations(self) -> Cancellations:
        """Created with the first process, whose start is tried again if the machine is out of memory."""
        return Cancellations()

    def _wanted(self) -> set[SlotId]:
        return {(queue.name, number) for queue in self.config.queues for number in range(queue.concurrency)}

    def _processes(self) -> Iterable[ManagedProcess]:
        return (self._janitor, *self._workers.values())

    def _fork_worker(self, name: str, number: int, liveness: Liveness) -> ForkProcess:
        handler = self._registry.handlers[name]
        queue = self._queues[name]
        return fork_worker(
            self.config,
            queue,
            handler,
            self._services,
            self._instance,
            number,
            liveness,
            self._cancellations,
            self._machine_backoffs[name],
        )

    def _fork_janitor(self, liveness: Liveness) -> ForkProcess:
        instance_info = InstanceInfo(
            self._instance,
            dict(self._slots),
            dict(self._queues),
            self._started_at,
            self._configured_at,
            workers=dict.fromkeys(self._slots, 0)
            | {queue.name: queue.concurrency for queue in self.config.queues},
            cancellations=self._cancellations,
            connections={queue: self._connections[queue] for queue in self._slots},
        )
        return fork_janitor(self.config, instance_info, liveness)


def _reap_misconfigured(process: ManagedProcess) -> bool:
    """Reap the process if it has ended. Return whether its successors would end the same way."""
    code = process.reap()
    if process.liveness.has_worked:
        return False  # the exit code may be the handler's
    # A configuration that an earlier process could work with was right: Redis has changed, perhaps for a
    # while. A newer layout stays.
    return code == EX_NEWER_LAYOUT or (code == EX_CONFIG and not process.has_served(process.generation))
