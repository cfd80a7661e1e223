"""When a worker is replaced: after a job that was interrupted or its most jobs, above its memory limit, when
its jobs keep meeting machine errors or have closed what it needs, or if its supervisor has ended."""

from __future__ import annotations

import errno
import logging
import time
from contextlib import suppress
from pathlib import Path
from resource import getpagesize

from redis.exceptions import RedisError

from ..clients.causes import causes
from ..config.model import Config
from ..log import fields
from .processes import host
from .processes.forking import is_orphaned
from .processes.interrupts import Deadline

logger = logging.getLogger(__name__)

#: Seconds between two checks of the worker's memory and of its supervisor.
_CHECK_INTERVAL = 1.0

#: Machine errors in a row after which the worker is replaced: what it lacks may have been leaked by its jobs.
_MACHINE_ERRORS = 6


class Replacement:
    """Tells a worker between two jobs whether it has to exit."""

    def __init__(self, config: Config, deadline: Deadline) -> None:
        self._config = config
        self._deadline = deadline
        self._checked_at = time.monotonic()
        self.jobs_done = 0
        #: How many of the latest attempts met a machine error, in a row.
        self._machine_errors = 0

    def record(self, is_machine_error: bool) -> None:
        """Record how an attempt ended."""
        self._machine_errors = self._machine_errors + 1 if is_machine_error else 0

    def is_due(self) -> bool:
        """Return whether the worker has to exit; log why."""
        if self._deadline.has_interrupted:
            logger.info("Replacing worker: its job was interrupted")
            return True
        if self._machine_errors >= _MACHINE_ERRORS:
            logger.warning("Replacing worker: its jobs keep meeting machine errors")
            return True
        most = self._config.max_jobs_per_child
        if most and self.jobs_done >= most:
            logger.debug("Replacing worker: MAX_JOBS_PER_CHILD reached", extra=fields(jobs=self.jobs_done))
            return True
        now = time.monotonic()
        if now < self._checked_at + _CHECK_INTERVAL:
            return False
        self._checked_at = now
        return is_orphaned() or _lacks_standard_files() or self._uses_too_much_memory()

    def is_due_after(self, error: RedisError) -> bool:
        """Return whether the worker has to exit, because its jobs have left no descriptor for a connection to
        Redis; log it."""
        is_due = self.jobs_done > 0 and any(
            isinstance(cause, OSError) and cause.errno == errno.EMFILE for cause in causes(error)
        )
        if is_due:
            logger.warning("Replacing worker: it cannot connect to Redis", extra=fields(error=str(error)))
        return is_due

    def _uses_too_much_memory(self) -> bool:
        if not self._config.max_memory_mb:
            return False
        try:
            used = _resident_mb()
        except FileNotFoundError:  # no /proc: no other worker could tell either
            return False
        except OSError as error:  # usually because handlers leaked descriptors
            logger.warning("Replacing worker: it cannot open files", extra=fields(error=str(error)))
            return True
        if used > self._config.max_memory_mb:
            logger.info("Replacing worker: MAX_MEMORY_MB exceeded", extra=fields(mb=used))
            return True
        return False


def _lacks_standard_files() -> bool:
    if lacks := host.lacks_standard_files():
        # The next file or connection would get the number, and log lines would be written into it.
        logger.warning("Replacing worker: its job closed a standard descriptor")
    return lacks


def warn_of_low_limit(config: Config) -> None:
    """Log a warning if the supervisor, whose memory each worker shares, exceeds a worker's limit."""
    with suppress(OSError):
        if 0 < config.max_memory_mb < (used := _resident_mb()):
            details = fields(mb=used, limit=config.max_memory_mb)
            logger.warning("MAX_MEMORY_MB is less than what is loaded before the first job", extra=details)


def _resident_mb() -> float:
    """Return MiB of resident memory, including shared pages (proc(5), statm)."""
    # Bytes: for a text each worker would import a codec of its own.
    pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    return round(pages * getpagesize() / 2**20, 1)
