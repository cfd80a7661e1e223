"""The supervisor: keeps the pool of children as it should be, does what signals ask, and stops it all.

It is a pure process manager. It opens no connection, starts no thread, has no signal handlers and does not
know what a job is, so nothing can hang it and forking is always safe.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import Callable

from ..config.load import EX_CONFIG
from ..config.model import Config
from ..errors import ConfigError
from ..log import fields, take_over
from ..registry import Registry
from ..store.instance import new_name
from . import host, signals
from .pool import Pool
from .process_title import ProcessTitle
from .systemd import Notifier, Phase

logger = logging.getLogger(__name__)

#: Seconds that the janitor gets to give up the lease.
_LEAVE_LIMIT = 5.0

#: Seconds that systemd is asked to be patient for, again and again, as long as the children turn.
_PATIENCE = 30.0

#: Seconds over its limits that a stop may take before systemd ends it.
_STOP_OVERTIME = 5.0

#: Seconds between two lines about a system that refuses something: the loop turns fifty times in one.
_COMPLAINT_INTERVAL = 10.0


class Supervisor:
    """One instance: a pool of children, and what the outside may ask of it.

    `load_config` reads the configuration anew on SIGHUP; its ConfigError leaves the old one in force.
    """

    def __init__(self, config: Config, registry: Registry, load_config: Callable[[], Config]) -> None:
        self.instance = new_name()
        self._load_config = load_config
        self._pool = Pool(config, registry, self.instance)
        self._notifier = Notifier.from_environment(os.environ)
        self._phase = Phase.STARTING
        self._stopping_since = 0.0
        self._leaving_since: float | None = None
        self._exit_code = 0
        self._complained_at = float("-inf")

    def run(self) -> int:
        """Runs until it is asked to stop; returns the exit code."""
        try:
            return self._run()
        except BaseException:
            # A bug, or a machine out of something. Children without a supervisor would look alive for ever.
            logger.critical("The supervisor died of a bug", exc_info=True)
            self._pool.kill_workers("its supervisor dies")
            self._pool.kill_janitor("its supervisor dies")
            return 1

    def _run(self) -> int:
        self._start()
        while not (self._is_stopping and self._pool.is_empty):
            self._survive(self._listen)
            self._survive(self._reap)
            self._survive(self._pool.kill_hung)
            self._survive(self._advance)
            self._survive(self._report)
        logger.info("Supervisor stopped", extra=fields(instance=self.instance, exitCode=self._exit_code))
        return self._exit_code

    @property
    def _is_stopping(self) -> bool:
        return self._phase is Phase.STOPPING

    def _survive(self, step: Callable[[], None]) -> None:
        """Takes the step. A machine that is out of something for now is asked again in the next turn."""
        try:
            step()
        except (OSError, MemoryError):
            now = time.monotonic()
            if now >= self._complained_at + _COMPLAINT_INTERVAL:
                self._complained_at = now
                logger.exception("The system refuses something, the supervisor goes on")

    def _start(self) -> None:
        take_over()
        host.raise_descriptor_limit()
        host.forbid_core_dumps()
        signals.block()
        _share_memory()
        workers = {queue.name: queue.concurrency for queue in self._pool.config.queues}
        ProcessTitle(f"supervisor {','.join(workers)}").show()
        self._pool.spawn_missing()
        logger.info("Supervisor started", extra=fields(instance=self.instance, workers=workers))

    def _listen(self) -> None:
        tick = self._pool.tick
        try:
            number = signals.wait(tick)
        except OSError:
            time.sleep(tick)  # or the loop would spin
            raise
        self._dispatch(number)

    def _dispatch(self, number: signal.Signals | None) -> None:
        match number:
            case signal.SIGTERM | signal.SIGINT if self._is_stopping:
                self._pool.kill_workers("it was asked to stop twice")
            case signal.SIGTERM | signal.SIGINT:
                self._stop(number.name)
            case signal.SIGHUP if not self._is_stopping:
                self._reload()
            case signal.SIGTTIN | signal.SIGTTOU if not self._is_stopping:
                self._resize(number)

    def _reload(self) -> None:
        if self._phase is Phase.READY:
            self._phase = Phase.RELOADING
            self._notify_systemd()
        try:
            config = self._load_config()
        except ConfigError as error:
            for problem in error.problems:
                logger.error(f"The configuration stays as it was: {problem}")
            return
        except Exception:
            logger.exception("The configuration stays as it was, reading it failed")
            return
        _share_memory()
        self._pool.reload(config)
        logger.info("Configuration was read again", extra=fields(instance=self.instance))

    def _resize(self, number: signal.Signals) -> None:
        self._pool.resize(1 if number is signal.SIGTTIN else -1)
        workers = {queue.name: queue.concurrency for queue in self._pool.config.queues}
        logger.info("The number of workers changes", extra=fields(instance=self.instance, workers=workers))

    def _reap(self) -> None:
        unfit = self._pool.reap()
        if unfit and not self._is_stopping:
            self._exit_code = EX_CONFIG
            self._stop(f"{unfit} can not work with this configuration")

    def _stop(self, why: str) -> None:
        logger.info("Supervisor stops", extra=fields(instance=self.instance, reason=why))
        self._phase, self._stopping_since = Phase.STOPPING, time.monotonic()
        self._pool.ask_workers_to_stop()

    def _advance(self) -> None:
        if self._is_stopping:
            self._advance_shutdown()
        else:
            self._pool.spawn_missing()
            self._pool.replace_outdated()

    def _advance_shutdown(self) -> None:
        now = time.monotonic()
        if now > self._stopping_since + self._pool.config.shutdown_grace:
            self._pool.kill_workers("its job did not end within the grace time")
        self._pool.ask_workers_to_stop()
        if self._pool.has_workers:
            if self._exit_code != EX_CONFIG:
                self._pool.spawn_janitor()
            return
        self._leaving_since = self._leaving_since or now
        self._pool.ask_janitor_to_leave()
        if now > self._leaving_since + _LEAVE_LIMIT:
            self._pool.kill_janitor("it could not give up the lease in time")

    def _report(self) -> None:
        if self._phase in (Phase.STARTING, Phase.RELOADING) and self._pool.is_complete:
            self._phase = Phase.READY
        self._notify_systemd()

    def _notify_systemd(self) -> None:
        """Tells systemd. Whether Redis is there makes no difference: a restart would not bring it back."""
        self._notifier.report(self._phase, self._pool.describe(), self._good_for())

    def _good_for(self) -> float:
        if self._is_stopping:
            limits = self._pool.config.shutdown_grace + _LEAVE_LIMIT + _STOP_OVERTIME
            return max(0.0, self._stopping_since + limits - time.monotonic())
        return _PATIENCE if self._pool.is_healthy else 0.0


def _share_memory() -> None:
    """What is imported by now is shared with all children for good: a collection in a child would write to
    these pages, and so copy them, if they were not frozen."""
    gc.collect()
    gc.freeze()
