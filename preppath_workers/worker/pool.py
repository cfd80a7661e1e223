"""The children of one supervisor: a fixed number of workers for each queue, and a janitor."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from multiprocessing.context import ForkProcess

from ..config.load import EX_CONFIG
from ..config.model import Config, QueueConfig
from ..parent_death import reap_zombies
from ..registry import Registry
from .child import fork_janitor, fork_worker
from .janitor import LEAVE, InstanceInfo
from .liveness import Liveness
from .managed_process import ManagedProcess

#: Seconds between two looks at the children's pulses when nothing happens.
_TICK = 1.0

#: Seconds between two looks while something is under way that no signal announces.
_SHORT_TICK = 0.02

#: Seconds over its queue's time limit that a job gets to end by itself before its worker is killed.
_OVERTIME = 5.0

#: Seconds that a worker without a job may be silent: more than any wait for an answer of Redis.
_LONGEST_SILENCE = 30.0

SlotId = tuple[str, int]


class Pool:
    """Forks the children, replaces those that end, and kills those that hang.

    Nothing here waits: each method looks at how things are, does what can be done now, and returns.
    """

    def __init__(self, config: Config, registry: Registry, instance: str) -> None:
        self.config = config
        self._registry = registry
        self._instance = instance
        self._generation = 0
        self._started_at = time.time_ns() // 1_000_000
        self._configured_at = time.monotonic()
        #: Every queue as it was last configured, and the slots that it has or had: the janitor answers for
        #: closed ones too.
        self._queues: dict[str, QueueConfig] = {}
        self._slots: dict[str, int] = {}
        self._janitor = ManagedProcess("janitor", self._fork_janitor)
        self._workers: dict[SlotId, ManagedProcess] = {}
        self._configure()

    def reload(self, config: Config) -> None:
        """Takes up a new configuration: every child is replaced by one that knows it."""
        self.config = config
        self._configured_at = time.monotonic()
        self._generation += 1
        self._configure()
        # It has no jobs and its successor goes on where it was.
        self._janitor.kill("the configuration was read again", logging.INFO)

    def resize(self, step: int) -> None:
        """Adds so many workers to each queue, or takes them away, until a new configuration is taken up. One
        always stays."""
        queues = [
            replace(queue, concurrency=max(1, queue.concurrency + step)) for queue in self.config.queues
        ]
        self.config = replace(self.config, queues=tuple(queues))
        self._configure()
        self._janitor.kill("the number of workers changes, which it tells", logging.INFO)

    def reap(self) -> str | None:
        """Clears the seats of children that have ended; returns the name of one that can not work with this
        configuration, if there is one."""
        # A job may end its process with any code: that is a death like any other.
        unfit = [
            process.name
            for process in self._processes()
            if process.reap() == EX_CONFIG and not process.liveness.has_worked
        ]
        # A closed slot that was not left in good order gets one more worker, to give back what it holds.
        wanted = self._wanted()
        self._workers = {
            place: process
            for place, process in self._workers.items()
            if process.is_running or place in wanted or not process.exited_cleanly
        }
        reap_zombies({process.process.pid for process in self._processes() if process.process})
        return unfit[0] if unfit else None

    def kill_hung(self) -> None:
        for process in self._workers.values():
            if process.is_running and process.liveness.busy_for > process.time_limit:
                process.kill("its job did not end at the time limit")
            elif (
                process.is_running
                and not process.liveness.busy_for
                and process.liveness.silent_for > _LONGEST_SILENCE
            ):
                process.kill("it gives no sign of life")
        # Early enough for a successor to renew the lease before it runs out.
        if self._janitor.is_running and self._janitor.liveness.silent_for > self.config.lease * 2 / 3:
            self._janitor.kill("it gives no sign of life")

    def spawn_missing(self) -> None:
        """Forks the children that are missing and may be forked now."""
        self.spawn_janitor()
        if not self._janitor.is_ready:
            return  # it refuses a server that would lose jobs, and knows every slot, before any job runs
        for (queue, _), process in self._workers.items():
            self._spawn_if_due(process, self._queues[queue].timeout + _OVERTIME)

    def spawn_janitor(self) -> None:
        """Somebody must renew the lease while there are jobs in hand, or they would run elsewhere too."""
        self._spawn_if_due(self._janitor, float("inf"))

    def replace_outdated(self) -> None:
        """Workers of an older configuration go one by one in each queue: the busy ones after their job, of
        the idle ones the next only when the successor of the last has taken over."""
        wanted = self._wanted()
        settling = {queue for (queue, _), process in self._workers.items() if process.is_settling}
        for (queue, number), process in self._workers.items():
            if not process.is_running or process.stop_requested:
                continue
            if process.generation == self._generation and (queue, number) in wanted:
                continue
            if process.liveness.busy_for:
                process.signal(signal.SIGTERM)
            elif queue not in settling:
                process.signal(signal.SIGTERM)
                settling.add(queue)

    def ask_workers_to_stop(self) -> None:
        for process in self._workers.values():
            process.signal(signal.SIGTERM)

    def kill_workers(self, why: str) -> None:
        for process in self._workers.values():
            process.kill(why)

    def ask_janitor_to_leave(self) -> None:
        self._janitor.signal(LEAVE)

    def kill_janitor(self, why: str) -> None:
        self._janitor.kill(why)

    @property
    def has_workers(self) -> bool:
        return any(process.is_running for process in self._workers.values())

    @property
    def is_empty(self) -> bool:
        return not self._janitor.is_running and not self.has_workers

    @property
    def is_complete(self) -> bool:
        """Whether each child that is wanted has taken over, and none is of an older configuration."""
        wanted = self._wanted()
        return self._janitor.has_served(self._generation) and all(
            process.has_served(self._generation) if place in wanted else not process.is_running
            for place, process in self._workers.items()
        )

    @property
    def is_healthy(self) -> bool:
        """Whether work goes on, or would if Redis were there: the janitor turns, and a worker or more."""
        # Before there is a janitor that Redis has answered, there are no workers.
        return self._janitor.is_healthy and (
            self._janitor.is_starting or any(process.is_healthy for process in self._workers.values())
        )

    @property
    def tick(self) -> float:
        """Seconds until something may have to be done that no signal announces."""
        # The end of a child is told by a signal; that one has taken over is not.
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
        """How many there are, in a line: `10 of 10 workers, 3 busy`."""
        wanted = self._wanted()
        ready = sum(process.is_ready for place, process in self._workers.items() if place in wanted)
        busy = sum(process.is_running and process.liveness.busy_for > 0 for process in self._workers.values())
        unreached = "" if self._janitor.is_ready else "; the janitor has not reached Redis yet"
        return f"{ready} of {len(wanted)} workers, {busy} busy{unreached}"

    def _configure(self) -> None:
        """Makes the seats that the configuration asks for."""
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

    def _wanted(self) -> set[SlotId]:
        return {(queue.name, number) for queue in self.config.queues for number in range(queue.concurrency)}

    def _processes(self) -> Iterable[ManagedProcess]:
        return (self._janitor, *self._workers.values())

    def _fork_worker(self, name: str, number: int, liveness: Liveness) -> ForkProcess:
        return fork_worker(self.config, self._queues[name], self._registry, self._instance, number, liveness)

    def _fork_janitor(self, liveness: Liveness) -> ForkProcess:
        instance_info = InstanceInfo(
            self._instance,
            dict(self._slots),
            dict(self._queues),
            self._started_at,
            self._configured_at,
            workers=dict.fromkeys(self._slots, 0)
            | {queue.name: queue.concurrency for queue in self.config.queues},
        )
        return fork_janitor(self.config, instance_info, liveness)
