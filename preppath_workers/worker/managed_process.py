"""The place of one child in the supervisor: who sits there, and when a successor may."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkProcess

from ..log import fields
from .liveness import Liveness

logger = logging.getLogger(__name__)

#: Seconds that a child must live for its death not to look like one at the start.
_SETTLED_AFTER = 10.0

#: Seconds before the second successor in a row of early deaths, doubling, and at most.
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 30.0

#: Seconds between two tries to fork, at most: a refused one costs nothing, and without a janitor the lease
#: runs out.
_LONGEST_REFUSAL = 2.0


class ManagedProcess:
    """Forks a child, keeps its pulse, and paces its successors.

    A child that died while it worked on a job is followed at once: the job is to blame, and jobs are limited
    by their recoveries. One that died soon after its start without a job is followed later each time.
    """

    def __init__(self, name: str, fork: Callable[[Liveness], ForkProcess]) -> None:
        self.name = name
        self.process: ForkProcess | None = None
        self.liveness = Liveness(shared=False)
        #: Which reading of the configuration the child is of.
        self.generation = 0
        self.stop_requested = False
        #: Seconds that a job of the child may run before the child counts as hung.
        self.time_limit = float("inf")
        #: Whether the last child ended by itself and well: only then it has given back what it held.
        self.exited_cleanly = True
        self._fork = fork
        self._was_killed = False
        #: The latest generation of which a child has taken over.
        self._served = -1
        self._spawned_at = 0.0
        self._early_deaths = 0
        self._refusals = 0
        self._respawn_at = 0.0

    @property
    def is_running(self) -> bool:
        return self.process is not None

    @property
    def is_starting(self) -> bool:
        return self.is_running and not self.liveness.is_ready

    @property
    def is_ready(self) -> bool:
        """Whether the child has taken over, and was not killed since."""
        return self.is_running and self.liveness.is_ready and not self._was_killed

    @property
    def is_healthy(self) -> bool:
        """Whether the child turns. After early deaths that has to be seen for a while."""
        if not self.is_running or self._was_killed or not self.liveness.has_beaten:
            return False
        return not self._early_deaths or time.monotonic() - self._spawned_at >= _SETTLED_AFTER

    @property
    def is_settling(self) -> bool:
        """Whether the child is about to go, its job apart, or has not taken over yet."""
        return self.is_starting or (self.is_running and self.stop_requested and not self.liveness.busy_for)

    @property
    def respawn_delay(self) -> float:
        """Seconds until a successor may be forked; 0 when it may be now."""
        return max(0.0, self._respawn_at - time.monotonic())

    def has_served(self, generation: int) -> bool:
        """Whether a child of this generation has taken over, even if it has ended since."""
        return self._served == generation or (self.generation == generation and self.is_ready)

    def spawn(self, generation: int, time_limit: float) -> None:
        """Forks a child. A machine that can not fork now is asked again later."""
        self.liveness = Liveness(shared=False)
        self.stop_requested = self._was_killed = False
        self.generation = generation
        self._spawned_at = time.monotonic()
        self.time_limit = time_limit
        try:
            self.liveness = Liveness()
            self.process = self._fork(self.liveness)
        except (OSError, MemoryError) as error:
            if not self._refusals:
                logger.error("Child can not be forked", extra=fields(process=self.name, error=str(error)))
            self._respawn_at = time.monotonic() + _delay(self._refusals, _LONGEST_REFUSAL)
            self._refusals += 1
            return
        if self._refusals:
            about = fields(process=self.name, refusals=self._refusals)
            logger.info("Child can be forked again", extra=about)
            self._refusals = 0
        logger.debug("Child started", extra=fields(process=self.name, processPid=self.process.pid))

    def signal(self, number: int) -> None:
        """Sends the child a signal that asks it to go when it can; once is enough."""
        if self.process and not self.stop_requested:
            self.stop_requested = self._send(number)

    def kill(self, why: str, level: int = logging.ERROR) -> None:
        """Ends the child at once; what it held is recovered."""
        if self.process and not self._was_killed:
            about = fields(process=self.name, processPid=self.process.pid, **self._job())
            logger.log(level, f"Child is killed: {why}", extra=about)
            self._was_killed = self._send(signal.SIGKILL)

    def reap(self) -> int | None:
        """Clears the seat if its child has ended; returns its exit code then (negative: the signal)."""
        if not self.process or self.process.exitcode is None:
            return None
        code, pid = self.process.exitcode, self.process.pid
        if self.liveness.is_ready:
            self._served = self.generation
        self.process.close()
        self.process = None
        self.stop_requested = False
        self.exited_cleanly = code == 0
        if code == 0 or self._was_killed:
            self._early_deaths, self._respawn_at = 0, 0.0
            return code
        self._schedule_respawn()
        busy_ms = round(self.liveness.busy_for * 1000)
        logger.error(
            "Child died",
            extra=fields(
                process=self.name, processPid=pid, cause=_cause(code), busyMs=busy_ms, **self._job()
            ),
        )
        return code

    def _job(self) -> dict[str, str]:
        """The job that the child runs or ran, for the log."""
        return {"jobId": self.liveness.job_id} if self.liveness.job_id else {}

    def _schedule_respawn(self) -> None:
        if self.liveness.busy_for or time.monotonic() - self._spawned_at >= _SETTLED_AFTER:
            self._early_deaths, self._respawn_at = 0, 0.0
            return
        self._respawn_at = time.monotonic() + _delay(self._early_deaths, _LONGEST_DELAY)
        self._early_deaths += 1

    def _send(self, number: int) -> bool:
        """Whether the child has the signal, or has ended."""
        # Asking for the exit code reaps a child that has ended: its pid may be another process's by now.
        if self.process and self.process.pid and self.process.exitcode is None:
            try:
                os.kill(self.process.pid, number)
            except OSError as error:
                about = fields(process=self.name, processPid=self.process.pid, error=str(error))
                logger.error("Child can not be signalled", extra=about)
                return False
        return True


def _delay(times: int, longest: float) -> float:
    """Seconds to wait after something went wrong so many times before: none at first, then ever longer."""
    return min(longest, _FIRST_DELAY * 2 ** min(times - 1, 16)) if times else 0.0


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"signal {-code}"
