"""The children of one supervisor: a fixed number of workers for each queue, and a janitor."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from multiprocessing.context import ForkProcess

from ..config import EX_CONFIG
from ..handlers.kind import Trade
from ..orphans import reap_adopted
from ..settings import Config, QueueConfig
from .children import fork_janitor, fork_worker
from .janitor import LEAVE, Footprint
from .pulse import Pulse
from .seat import Seat

#: Seconds between two looks at the children's pulses when nothing happens.
_TICK = 1.0

#: Seconds between two looks while something is under way that no signal announces.
_SHORT_TICK = 0.02

#: Seconds over its queue's time limit that a job gets to end by itself before its worker is killed.
_OVERTIME = 5.0

#: Seconds that a worker without a job may be silent: more than any wait for an answer of Redis.
_LONGEST_SILENCE = 30.0

Place = tuple[str, int]


class Pool:
    """Forks the children, replaces those that end, and kills those that hang.

    Nothing here waits: each method looks at how things are, does what can be done now, and returns.
    """

    def __init__(self, config: Config, trade: Trade, instance: str) -> None:
        self.config = config
        self._trade = trade
        self._instance = instance
        self._generation = 0
        self._started_at = time.time_ns() // 1_000_000
        self._configured_at = time.monotonic()
        #: Every queue as it was last configured, and the slots that it has or had: the janitor answers for
        #: closed ones too.
        self._queues: dict[str, QueueConfig] = {}
        self._slots: dict[str, int] = {}
        self._janitor = Seat("janitor", self._fork_janitor)
        self._workers: dict[Place, Seat] = {}
        self._furnish()

    def adopt(self, config: Config) -> None:
        """Takes up a new configuration: every child is replaced by one that knows it."""
        self.config = config
        self._configured_at = time.monotonic()
        self._generation += 1
        self._furnish()
        # It has no jobs and its successor goes on where it was.
        self._janitor.kill("the configuration was read again", logging.INFO)

    def resize(self, step: int) -> None:
        """Adds so many workers to each queue, or takes them away, until a new configuration is taken up. One
        always stays."""
        queues = [
            replace(queue, concurrency=max(1, queue.concurrency + step)) for queue in self.config.queues
        ]
        self.config = replace(self.config, queues=tuple(queues))
        self._furnish()
        self._janitor.kill("the number of workers changes, which it tells", logging.INFO)

    def reap(self) -> str | None:
        """Clears the seats of children that have ended; returns the name of one that can not work with this
        configuration, if there is one."""
        # A job may end its process with any code: that is a death like any other.
        unfit = [
            seat.name for seat in self._seats() if seat.reap() == EX_CONFIG and not seat.pulse.has_worked
        ]
        # A closed slot that was not left in good order gets one more worker, to give back what it holds.
        wanted = self._wanted()
        self._workers = {
            place: seat
            for place, seat in self._workers.items()
            if seat.is_taken or place in wanted or not seat.was_left_in_order
        }
        reap_adopted({seat.process.pid for seat in self._seats() if seat.process})
        return unfit[0] if unfit else None

    def kill_the_hung(self) -> None:
        for seat in self._workers.values():
            if seat.is_taken and seat.pulse.busy_for > seat.time_limit:
                seat.kill("its job did not end at the time limit")
            elif seat.is_taken and not seat.pulse.busy_for and seat.pulse.silent_for > _LONGEST_SILENCE:
                seat.kill("it gives no sign of life")
        # Early enough for a successor to renew the lease before it runs out.
        if self._janitor.is_taken and self._janitor.pulse.silent_for > self.config.lease * 2 / 3:
            self._janitor.kill("it gives no sign of life")

    def replenish(self) -> None:
        """Forks the children that are missing and may be forked now."""
        self.keep_the_janitor()
        if not self._janitor.is_ready:
            return  # it refuses a server that would lose jobs, and knows every slot, before any job runs
        for (queue, _), seat in self._workers.items():
            self._fill(seat, self._queues[queue].timeout + _OVERTIME)

    def keep_the_janitor(self) -> None:
        """Somebody must renew the lease while there are jobs in hand, or they would run elsewhere too."""
        self._fill(self._janitor, float("inf"))

    def replace_the_outdated(self) -> None:
        """Workers of an older configuration go one by one in each queue: the busy ones after their job, of
        the idle ones the next only when the successor of the last has taken over."""
        wanted = self._wanted()
        settling = {queue for (queue, _), seat in self._workers.items() if seat.is_settling}
        for (queue, number), seat in self._workers.items():
            if not seat.is_taken or seat.told_to_stop:
                continue
            if seat.generation == self._generation and (queue, number) in wanted:
                continue
            if seat.pulse.busy_for:
                seat.tell(signal.SIGTERM)
            elif queue not in settling:
                seat.tell(signal.SIGTERM)
                settling.add(queue)

    def ask_workers_to_stop(self) -> None:
        for seat in self._workers.values():
            seat.tell(signal.SIGTERM)

    def kill_workers(self, why: str) -> None:
        for seat in self._workers.values():
            seat.kill(why)

    def ask_janitor_to_leave(self) -> None:
        self._janitor.tell(LEAVE)

    def kill_janitor(self, why: str) -> None:
        self._janitor.kill(why)

    @property
    def has_workers(self) -> bool:
        return any(seat.is_taken for seat in self._workers.values())

    @property
    def is_empty(self) -> bool:
        return not self._janitor.is_taken and not self.has_workers

    @property
    def is_complete(self) -> bool:
        """Whether each child that is wanted has taken over, and none is of an older configuration."""
        wanted = self._wanted()
        return self._janitor.has_served(self._generation) and all(
            seat.has_served(self._generation) if place in wanted else not seat.is_taken
            for place, seat in self._workers.items()
        )

    @property
    def is_turning(self) -> bool:
        """Whether work goes on, or would if Redis were there: the janitor turns, and a worker or more."""
        # Before there is a janitor that Redis has answered, there are no workers.
        return self._janitor.is_well and (
            self._janitor.is_starting or any(seat.is_well for seat in self._workers.values())
        )

    @property
    def tick(self) -> float:
        """Seconds until something may have to be done that no signal announces."""
        # The end of a child is told by a signal; that one has taken over is not.
        if any(seat.is_starting for seat in self._seats()):
            return _SHORT_TICK
        return min([_TICK, *(seat.vacant_for + _SHORT_TICK for seat in self._seats() if not seat.is_taken)])

    def describe(self) -> str:
        """How many there are, in a line: `10 of 10 workers, 3 busy`."""
        wanted = self._wanted()
        ready = sum(seat.is_ready for place, seat in self._workers.items() if place in wanted)
        busy = sum(seat.is_taken and seat.pulse.busy_for > 0 for seat in self._workers.values())
        unreached = "" if self._janitor.is_ready else "; the janitor has not reached Redis yet"
        return f"{ready} of {len(wanted)} workers, {busy} busy{unreached}"

    def _furnish(self) -> None:
        """Makes the seats that the configuration asks for."""
        for queue in self.config.queues:
            self._queues[queue.name] = queue
            self._slots[queue.name] = max(queue.concurrency, self._slots.get(queue.name, 0))
            for number in range(queue.concurrency):
                seat = Seat(f"{queue.name}:{number}", partial(self._fork_worker, queue.name, number))
                self._workers.setdefault((queue.name, number), seat)

    def _fill(self, seat: Seat, time_limit: float) -> None:
        if not seat.is_taken and not seat.vacant_for:
            seat.fill(self._generation, time_limit)

    def _wanted(self) -> set[Place]:
        return {(queue.name, number) for queue in self.config.queues for number in range(queue.concurrency)}

    def _seats(self) -> Iterable[Seat]:
        return (self._janitor, *self._workers.values())

    def _fork_worker(self, name: str, number: int, pulse: Pulse) -> ForkProcess:
        return fork_worker(self.config, self._queues[name], self._trade, self._instance, number, pulse)

    def _fork_janitor(self, pulse: Pulse) -> ForkProcess:
        footprint = Footprint(
            self._instance,
            dict(self._slots),
            dict(self._queues),
            self._started_at,
            self._configured_at,
            workers=dict.fromkeys(self._slots, 0)
            | {queue.name: queue.concurrency for queue in self.config.queues},
        )
        return fork_janitor(self.config, footprint, pulse)
