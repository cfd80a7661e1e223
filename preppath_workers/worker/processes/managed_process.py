"""One process that a supervisor keeps running: forks it, signals it, reaps it and paces its restarts."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkProcess

from ...log import fields
from .liveness import Liveness

logger = logging.getLogger(__name__)

#: Seconds after its start within which the death of a process counts as early.
_EARLY = 10.0

#: Seconds before the second restart after early deaths; the delay doubles up to the longest.
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 30.0

#: Seconds without a beat after which an idle worker counts as hung: longer than any wait for Redis.
_LONGEST_SILENCE = 30.0

#: Exit code of a worker whose slot may still hold jobs, because Redis failed when it ended. It has logged it.
#: Another worker is forked, which requeues them.
EX_HELD = 75

#: The longest delay between two failed forks (s): without a janitor, the lease expires.
_LONGEST_FORK_DELAY = 2.0


class ManagedProcess:
    """Runs a process, and a new one each time it ends.

    After a death during a job, the restart is immediate: the job's recoveries limit how often that happens.
    After an early death without a job, the delay grows each time.
    """

    def __init__(
        self,
        name: str,
        fork: Callable[[Liveness], ForkProcess],
        longest_delay: float = _LONGEST_DELAY,
    ) -> None:
        """`longest_delay`: the longest delay after early deaths (s)."""
        self.name = name
        self.process: ForkProcess | None = None
        self.liveness = Liveness(shared=False)
        #: Generation of the configuration that the process was forked with.
        self.generation = 0
        self.stop_requested = False
        #: Seconds that a job may run before the process counts as hung.
        self.time_limit = float("inf")
        #: Whether the last process ended by itself, not by its job, with code 0: it has requeued its jobs.
        self.exited_cleanly = True
        self._fork = fork
        self._longest_delay = longest_delay
        self._was_killed = False
        #: The latest generation in which a process that has ended was ready.
        self._served = -1
        self._spawned_at = 0.0
        self._early_deaths = 0
        self._failed_forks = 0
        self._respawn_at = 0.0

    @property
    def is_running(self) -> bool:
        """Whether it was forked and not reaped yet."""
        return self.process is not None

    @property
    def is_starting(self) -> bool:
        """Whether it was forked and is not ready yet."""
        return self.is_running and not self.liveness.is_ready

    @property
    def is_ready(self) -> bool:
        """Whether the process has finished its startup and was not killed."""
        return self.is_running and self.liveness.is_ready and not self._was_killed

    @property
    def is_healthy(self) -> bool:
        """Whether the process beats. After early deaths, it must also outlive the early period."""
        if not self.is_running or self._was_killed or not self.liveness.has_beaten:
            return False
        return not self._early_deaths or time.monotonic() - self._spawned_at >= _EARLY

    @property
    def is_transitioning(self) -> bool:
        """Whether the process is starting, or is idle and stopping."""
        return self.is_starting or (self.is_running and self.stop_requested and not self.liveness.busy_for)

    @property
    def respawn_delay(self) -> float:
        """Seconds until the next process may be forked; 0 if it may be forked now."""
        return max(0.0, self._respawn_at - time.monotonic())

    def has_served(self, generation: int) -> bool:
        """Return whether a process of this generation has been ready, even if it has ended since."""
        return self._served == generation or (self.generation == generation and self.is_ready)

    def spawn(self, generation: int, time_limit: float) -> None:
        """Fork the process. If the fork fails, schedule another try."""
        self.liveness = Liveness(shared=False)
        self.stop_requested = self._was_killed = False
        self.generation = generation
        self._spawned_at = time.monotonic()
        self.time_limit = time_limit
        try:
            self.liveness = Liveness()
            self.process = self._fork(self.liveness)
        except (OSError, MemoryError) as error:
            if not self._failed_forks:
                logger.error("Cannot fork process", extra=fields(process=self.name, error=str(error)))
            self._respawn_at = time.monotonic() + _delay(self._failed_forks, _LONGEST_FORK_DELAY)
            self._failed_forks += 1
            return
        if self._failed_forks:
            details = fields(process=self.name, failedForks=self._failed_forks)
            logger.info("Forking works again", extra=details)
            self._failed_forks = 0
        logger.debug("Process started", extra=fields(process=self.name, processPid=self.process.pid))

    def signal(self, number: int) -> None:
        """Send a signal that asks the process to stop, unless one was sent before."""
        if self.process and not self.stop_requested:
            self.stop_requested = self._send(number)

    def alert(self) -> None:
        """Send SIGALRM: the process checks whether its job has to end."""
        self._send(signal.SIGALRM)

    def kill_if_hung(self) -> None:
        """Kill a worker whose job exceeds its time limit, or that is idle and does not beat."""
        if not self.is_running:
            return
        if self.liveness.busy_for > self.time_limit:
            self.kill("Killing worker: job exceeded its time limit")
        elif not self.liveness.busy_for and self.liveness.silent_for > _LONGEST_SILENCE:
            self.kill("Killing unresponsive worker")

    def kill(self, message: str, level: int = logging.ERROR) -> None:
        """Log the message and send SIGKILL. The next process, or another instance, recovers the job."""
        if self.process and not self._was_killed:
            details = fields(process=self.name, processPid=self.process.pid, **self._job())
            logger.log(level, message, extra=details)
            self._was_killed = self._send(signal.SIGKILL)

    def reap(self) -> int | None:
        """Return the exit code (negative: the signal) of a process that has ended, else None."""
        if not self.process or self.process.exitcode is None:
            return None
        code, pid = self.process.exitcode, self.process.pid
        if self.liveness.is_ready:
            self._served = self.generation
        self.process.close()
        self.process = None
        self.stop_requested = False
        # A handler or a library may end the process during a job, with any code.
        self.exited_cleanly = code == 0 and not self.liveness.busy_for
        if self.exited_cleanly or self._was_killed:
            self._early_deaths, self._respawn_at = 0, 0.0
            return code
        self._schedule_respawn()
        if code == EX_HELD and not self.liveness.busy_for:
            return code
        busy_ms = round(self.liveness.busy_for * 1000)
        logger.error(
            "Process died",
            extra=fields(
                process=self.name, processPid=pid, cause=_cause(code), busyMs=busy_ms, **self._job()
            ),
        )
        return code

    def _job(self) -> dict[str, str]:
        """Return the log field of the job that the process runs or ran."""
        return {"jobId": self.liveness.job_id} if self.liveness.job_id else {}

    def _schedule_respawn(self) -> None:
        if self.liveness.busy_for or time.monotonic() - self._spawned_at >= _EARLY:
            self._early_deaths, self._respawn_at = 0, 0.0
            return
        self._respawn_at = time.monotonic() + _delay(self._early_deaths, self._longest_delay)
        self._early_deaths += 1

    def _send(self, number: int) -> bool:
        """Send a signal. Returns whether it was sent or the process has ended."""
        # exitcode reaps a process that has ended, so its pid cannot belong to another process here.
        if self.process and self.process.pid and self.process.exitcode is None:
            try:
                os.kill(self.process.pid, number)
            except OSError as error:
                details = fields(process=self.name, processPid=self.process.pid, error=str(error))
                logger.error("Cannot signal process", extra=details)
                return False
        return True


def _delay(failures: int, longest: float) -> float:
    """Return the seconds to wait after this number of earlier failures: 0 for none, then doubling."""
    return min(longest, _FIRST_DELAY * 2 ** min(failures - 1, 16)) if failures else 0.0


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"signal {-code}"
