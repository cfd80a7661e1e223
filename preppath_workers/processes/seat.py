"""The place of one child in the supervisor: who sits there, and when a successor may."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkProcess

from ..log import facts
from .pulse import Pulse

logger = logging.getLogger(__name__)

#: Seconds that a child must live for its death not to look like one at the start.
_SETTLED_AFTER = 10.0

#: Seconds before the second successor in a row of early deaths, doubling, and at most.
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 30.0

#: Seconds between two tries to fork, at most: a refused one costs nothing, and without a janitor the lease
#: runs out.
_LONGEST_REFUSAL = 2.0


class Seat:
    """Forks a child, keeps its pulse, and paces its successors.

    A child that died while it worked on a job is followed at once: the job is to blame, and jobs are limited
    by their recoveries. One that died soon after its start without a job is followed later each time.
    """

    def __init__(self, name: str, fork: Callable[[Pulse], ForkProcess]) -> None:
        self.name = name
        self.process: ForkProcess | None = None
        self.pulse = Pulse(shared=False)
        #: Which reading of the configuration the child is of.
        self.generation = 0
        self.told_to_stop = False
        #: Seconds that a job of the child may run before the child counts as hung.
        self.time_limit = float("inf")
        #: Whether the last child ended by itself and well: only then it has given back what it held.
        self.was_left_in_order = True
        self._fork = fork
        self._was_killed = False
        #: The latest generation of which a child has taken over.
        self._served = -1
        self._born_at = 0.0
        self._early_deaths = 0
        self._refusals = 0
        self._successor_at = 0.0

    @property
    def is_taken(self) -> bool:
        return self.process is not None

    @property
    def is_starting(self) -> bool:
        return self.is_taken and not self.pulse.is_ready

    @property
    def is_ready(self) -> bool:
        """Whether the child has taken over, and was not killed since."""
        return self.is_taken and self.pulse.is_ready and not self._was_killed

    @property
    def is_well(self) -> bool:
        """Whether the child turns. After early deaths that has to be seen for a while."""
        if not self.is_taken or self._was_killed or not self.pulse.has_beaten:
            return False
        return not self._early_deaths or time.monotonic() - self._born_at >= _SETTLED_AFTER

    @property
    def is_settling(self) -> bool:
        """Whether the child is about to go, its job apart, or has not taken over yet."""
        return self.is_starting or (self.is_taken and self.told_to_stop and not self.pulse.busy_for)

    @property
    def vacant_for(self) -> float:
        """Seconds until a successor may be forked; 0 when it may be now."""
        return max(0.0, self._successor_at - time.monotonic())

    def has_served(self, generation: int) -> bool:
        """Whether a child of this generation has taken over, even if it has ended since."""
        return self._served == generation or (self.generation == generation and self.is_ready)

    def fill(self, generation: int, time_limit: float) -> None:
        """Forks a child. A machine that can not fork now is asked again later."""
        self.pulse = Pulse(shared=False)
        self.told_to_stop = self._was_killed = False
        self.generation = generation
        self._born_at = time.monotonic()
        self.time_limit = time_limit
        try:
            self.pulse = Pulse()
            self.process = self._fork(self.pulse)
        except (OSError, MemoryError) as error:
            if not self._refusals:
                logger.error("Child can not be forked", extra=facts(child=self.name, error=str(error)))
            self._successor_at = time.monotonic() + _delay(self._refusals, _LONGEST_REFUSAL)
            self._refusals += 1
            return
        if self._refusals:
            about = facts(child=self.name, refusals=self._refusals)
            logger.info("Child can be forked again", extra=about)
            self._refusals = 0
        logger.debug("Child started", extra=facts(child=self.name, childPid=self.process.pid))

    def tell(self, number: int) -> None:
        """Sends the child a signal that asks it to go when it can; once is enough."""
        if self.process and not self.told_to_stop:
            self.told_to_stop = self._signal(number)

    def kill(self, why: str, level: int = logging.ERROR) -> None:
        """Ends the child at once; what it held is recovered."""
        if self.process and not self._was_killed:
            about = facts(child=self.name, childPid=self.process.pid, **self._job())
            logger.log(level, f"Child is killed: {why}", extra=about)
            self._was_killed = self._signal(signal.SIGKILL)

    def reap(self) -> int | None:
        """Clears the seat if its child has ended; returns its exit code then (negative: the signal)."""
        if not self.process or self.process.exitcode is None:
            return None
        code, pid = self.process.exitcode, self.process.pid
        if self.pulse.is_ready:
            self._served = self.generation
        self.process.close()
        self.process = None
        self.told_to_stop = False
        self.was_left_in_order = code == 0
        if code == 0 or self._was_killed:
            self._early_deaths, self._successor_at = 0, 0.0
            return code
        self._pace_successor()
        busy_ms = round(self.pulse.busy_for * 1000)
        logger.error(
            "Child died",
            extra=facts(child=self.name, childPid=pid, cause=_cause(code), busyMs=busy_ms, **self._job()),
        )
        return code

    def _job(self) -> dict[str, str]:
        """The job that the child runs or ran, for the log."""
        return {"jobId": self.pulse.job_id} if self.pulse.job_id else {}

    def _pace_successor(self) -> None:
        if self.pulse.busy_for or time.monotonic() - self._born_at >= _SETTLED_AFTER:
            self._early_deaths, self._successor_at = 0, 0.0
            return
        self._successor_at = time.monotonic() + _delay(self._early_deaths, _LONGEST_DELAY)
        self._early_deaths += 1

    def _signal(self, number: int) -> bool:
        """Whether the child has the signal, or has ended."""
        # Asking for the exit code reaps a child that has ended: its pid may be another process's by now.
        if self.process and self.process.pid and self.process.exitcode is None:
            try:
                os.kill(self.process.pid, number)
            except OSError as error:
                about = facts(child=self.name, childPid=self.process.pid, error=str(error))
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
