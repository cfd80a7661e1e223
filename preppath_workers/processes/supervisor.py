"""The supervisor: forks the children, replaces those that end, and stops them all.

It is a pure process manager. It opens no connection, starts no thread, has no signal handlers and does not
know what a job is, so nothing can hang it and forking is always safe.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing.context import ForkProcess

from ..config import EX_CONFIG
from ..errors import ConfigError
from ..handlers.kind import Trade
from ..log import facts
from ..settings import Config, QueueConfig
from .children import fork_janitor, fork_worker
from .janitor import LEAVE, Footprint
from .pulse import Pulse
from .seat import Seat

logger = logging.getLogger(__name__)

#: Blocked for as long as the supervisor lives: they wait until the loop fetches them, one at a time.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

#: Seconds between two looks at the children's pulses when nothing happens.
_TICK = 1.0

#: Seconds between two looks while something is under way that no signal announces.
_SHORT_TICK = 0.02

#: Seconds over its queue's time limit that a job gets to end by itself before its worker is killed.
_OVERTIME = 5.0

#: Seconds that a worker without a job may be silent: more than any wait for an answer of Redis.
_LONGEST_SILENCE = 30.0

#: Seconds that the janitor gets to give up the lease.
_LEAVE_LIMIT = 5.0

Place = tuple[str, int]


class Supervisor:
    """One instance: a fixed pool of workers for each queue, and a janitor.

    `load_config` reads the configuration anew on SIGHUP; its ConfigError leaves the old one in force.
    """

    def __init__(self, config: Config, trade: Trade, load_config: Callable[[], Config]) -> None:
        self.instance = f"{_host()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._config = config
        self._trade = trade
        self._load_config = load_config
        self._generation = 0
        self._started_at = time.time_ns() // 1_000_000
        #: Every queue as it was last configured, and the slots that it has or had: the janitor answers for
        #: closed ones too.
        self._queues: dict[str, QueueConfig] = {}
        self._slots: dict[str, int] = {}
        self._janitor = Seat("janitor", self._fork_janitor)
        self._workers: dict[Place, Seat] = {}
        self._stopping_since: float | None = None
        self._leaving_since: float | None = None
        self._exit_code = 0

    def run(self) -> int:
        """Runs until it is asked to stop; returns the exit code."""
        try:
            return self._run()
        except BaseException:
            # A bug, or a machine out of something. Children without a supervisor would look alive for ever.
            logger.critical("The supervisor died of a bug", exc_info=True)
            for seat in self._seats():
                seat.kill("its supervisor dies")
            return 1

    def _run(self) -> int:
        self._start()
        while not self._is_over():
            self._obey(self._wait())
            self._reap()
            self._kill_the_hung()
            if self._stopping_since is None:
                self._replenish()
                self._replace_the_outdated()
            else:
                self._advance_the_stop()
        logger.info("Supervisor stopped", extra=facts(instance=self.instance, exitCode=self._exit_code))
        return self._exit_code

    def _start(self) -> None:
        # Whoever started us may have ignored SIGCHLD, and then no child's end would ever be told.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._furnish()
        # What is imported by now is shared with all children for good: a collection in a child would write
        # to these pages, and so copy them, if they were not frozen.
        gc.collect()
        gc.freeze()
        self._replenish()
        workers = {queue.name: queue.concurrency for queue in self._config.queues}
        logger.info("Supervisor started", extra=facts(instance=self.instance, workers=workers))

    def _furnish(self) -> None:
        """Makes the seats that the configuration asks for."""
        for queue in self._config.queues:
            self._queues[queue.name] = queue
            self._slots[queue.name] = max(queue.concurrency, self._slots.get(queue.name, 0))
            for number in range(queue.concurrency):
                seat = Seat(f"{queue.name}:{number}", partial(self._fork_worker, queue.name, number))
                self._workers.setdefault((queue.name, number), seat)

    def _wait(self) -> int | None:
        """The next signal; None when a tick has passed without one."""
        # The end of a child is told by a signal; that one has taken over is not.
        starting = any(seat.is_taken and not seat.pulse.is_ready for seat in self._seats())
        received = signal.sigtimedwait(_SIGNALS, _SHORT_TICK if starting else self._tick())
        return received.si_signo if received else None

    def _tick(self) -> float:
        return min([_TICK, *(seat.vacant_for + _SHORT_TICK for seat in self._seats() if not seat.is_taken)])

    def _obey(self, number: int | None) -> None:
        if number == signal.SIGHUP:
            self._reload()
        elif number in (signal.SIGTERM, signal.SIGINT):
            if self._stopping_since is None:
                self._stop(signal.Signals(number).name)
            else:
                self._kill_workers("it was asked to stop twice")

    def _reload(self) -> None:
        try:
            self._config = self._load_config()
        except ConfigError as error:
            for problem in error.problems:
                logger.error(f"The configuration stays as it was: {problem}")
            return
        except Exception:
            logger.exception("The configuration stays as it was, reading it failed")
            return
        self._generation += 1
        self._furnish()
        if self._janitor.process:
            # It has no jobs and its successor goes on where it was.
            self._janitor.kill("the configuration was read again", logging.INFO)
        logger.info("Configuration was read again", extra=facts(instance=self.instance))

    def _reap(self) -> None:
        for seat in self._seats():
            if seat.reap() == EX_CONFIG and self._stopping_since is None:
                self._exit_code = EX_CONFIG
                self._stop(f"{seat.name} can not work with this configuration")
        # A closed slot that was not left in good order gets one more worker, to give back what it holds.
        wanted = self._wanted()
        self._workers = {
            place: seat
            for place, seat in self._workers.items()
            if seat.is_taken or place in wanted or not seat.was_left_in_order
        }

    def _kill_the_hung(self) -> None:
        for seat in self._workers.values():
            if seat.is_taken and seat.pulse.busy_for > seat.time_limit:
                seat.kill("its job did not end at the time limit")
            elif seat.is_taken and not seat.pulse.busy_for and seat.pulse.silent_for > _LONGEST_SILENCE:
                seat.kill("it gives no sign of life")
        # Early enough for a successor to renew the lease before it runs out.
        if self._janitor.is_taken and self._janitor.pulse.silent_for > self._config.lease * 2 / 3:
            self._janitor.kill("it gives no sign of life")

    def _replace_the_outdated(self) -> None:
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

    def _replenish(self) -> None:
        self._fill(self._janitor, float("inf"))
        if not self._janitor.pulse.is_ready:
            return  # it refuses a server that would lose jobs, before any job runs
        for (queue, _), seat in self._workers.items():
            self._fill(seat, self._queues[queue].timeout + _OVERTIME)

    def _fill(self, seat: Seat, time_limit: float) -> None:
        if not seat.is_taken and not seat.vacant_for:
            seat.fill(self._generation, time_limit)

    def _stop(self, why: str) -> None:
        logger.info("Supervisor stops", extra=facts(instance=self.instance, reason=why))
        self._stopping_since = time.monotonic()
        for seat in self._workers.values():
            seat.tell(signal.SIGTERM)

    def _advance_the_stop(self) -> None:
        assert self._stopping_since is not None
        if time.monotonic() > self._stopping_since + self._config.shutdown_grace:
            self._kill_workers("its job did not end within the grace time")
        if any(seat.is_taken for seat in self._workers.values()):
            self._keep_the_lease()
            return
        if self._leaving_since is None:
            self._leaving_since = time.monotonic()
            self._janitor.tell(LEAVE)
        elif time.monotonic() > self._leaving_since + _LEAVE_LIMIT:
            self._janitor.kill("it could not give up the lease in time")

    def _keep_the_lease(self) -> None:
        """While jobs finish, somebody must renew the lease, or they would run elsewhere too."""
        if self._exit_code != EX_CONFIG:
            self._fill(self._janitor, float("inf"))

    def _kill_workers(self, why: str) -> None:
        for seat in self._workers.values():
            seat.kill(why)

    def _is_over(self) -> bool:
        return self._stopping_since is not None and not any(seat.is_taken for seat in self._seats())

    def _wanted(self) -> set[Place]:
        return {(queue.name, number) for queue in self._config.queues for number in range(queue.concurrency)}

    def _seats(self) -> Iterable[Seat]:
        return (self._janitor, *self._workers.values())

    def _fork_worker(self, name: str, number: int, pulse: Pulse) -> ForkProcess:
        return fork_worker(self._config, self._queues[name], self._trade, self.instance, number, pulse)

    def _fork_janitor(self, pulse: Pulse) -> ForkProcess:
        footprint = Footprint(self.instance, dict(self._slots), dict(self._queues), self._started_at)
        return fork_janitor(self._config, footprint, pulse)


def _host() -> str:
    """The host's name, as far as it may stand in a key."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())
