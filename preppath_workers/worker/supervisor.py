"""The supervisor: keeps the pool of processes running, obeys signals, and shuts the pool down.

It only manages processes. It opens no connection, starts no thread and installs no signal handlers, so it
cannot hang and forking is safe.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable

from ..config.load import EX_CONFIG
from ..config.model import Config
from ..config.redis import leads_elsewhere
from ..errors import ConfigError
from ..log import capture_output, fields
from ..registry import Registry
from ..store.instance import new_name
from .pool import Pool
from .processes import host, malloc, shared_memory, signals
from .processes.process_title import ProcessTitle
from .processes.systemd import Notifier, Phase
from .replacement import warn_of_low_limit

logger = logging.getLogger(__name__)

#: Seconds that a worker has after SHUTDOWN_GRACE to settle a job that has ended, and to release its slot.
_SETTLE_LIMIT = 5.0

#: Seconds that the janitor has to release the lease.
_LEAVE_LIMIT = 5.0

#: Seconds after the workers were asked to stop in which a second stop signal only repeats the first:
#: `timeout` sends its signal to the process and to its group, `npm` passes on what the terminal has sent.
_ECHO = 0.5

#: Seconds by which systemd's timeouts are extended each time, while the processes beat.
_EXTENSION = 30.0

#: Seconds that a stop may exceed its limits before systemd kills the unit.
_STOP_OVERTIME = 5.0

#: Seconds between two log lines about failing system calls.
_ERROR_INTERVAL = 10.0


class Supervisor:
    """One instance: a pool of processes and the signals that control it.

    On SIGHUP, `load_config` reads the configuration again, and `apply_config` prepares this process for it.
    If one of them fails, or the janitor cannot work with the new configuration, the old one stays in force.
    """

    def __init__(
        self,
        config: Config,
        registry: Registry,
        load_config: Callable[[], Config],
        apply_config: Callable[[Config], None],
    ) -> None:
        self.instance = new_name()
        self._load_config = load_config
        self._apply_config = apply_config
        #: The configuration before the last reload, with which the janitor has reached Redis.
        self._fallback: Config | None = None
        self._pool = Pool(config, registry, self.instance)
        self._notifier = Notifier.from_environment(os.environ)
        self._phase = Phase.STARTING
        self._stopping_since = 0.0
        #: When a further stop signal begins to mean that no job is waited for (s, monotonic).
        self._echoes_until = 0.0
        self._leaving_since: float | None = None
        self._exit_code = 0
        #: Whether a janitor that ends while the instance stops is replaced.
        self._may_replace_janitor = True
        #: Whether it was started in a terminal. If that is closed, its user means to stop it.
        self._has_terminal = os.isatty(0)
        self._error_logged_at = float("-inf")

    def run(self) -> int:
        """Run until a signal asks for a stop. Returns the exit code."""
        try:
            return self._run()
        except BaseException:
            # Without a supervisor, a janitor would renew the lease of hung workers.
            logger.critical("Unhandled exception in supervisor", exc_info=True)
            self._pool.kill_workers("Killing worker: supervisor failed")
            self._pool.kill_janitor("Killing janitor: supervisor failed")
            return 1

    def _run(self) -> int:
        self._start()
        while not (self._is_stopping and self._pool.is_empty):
            self._guard(self._listen)
            self._guard(self._reap)
            self._guard(self._pool.kill_hung)
            self._guard(self._advance)
            self._guard(self._report)
        logger.info("Supervisor stopped", extra=fields(instance=self.instance, exitCode=self._exit_code))
        return self._exit_code

    @property
    def _is_stopping(self) -> bool:
        return self._phase is Phase.STOPPING

    def _guard(self, step: Callable[[], None]) -> None:
        """Run the step, and retry it in the next turn if the machine is out of memory, processes or files."""
        try:
            step()
        except (OSError, MemoryError):
            now = time.monotonic()
            if now >= self._error_logged_at + _ERROR_INTERVAL:
                self._error_logged_at = now
                logger.exception("System call failed in supervisor, retrying")

    def _start(self) -> None:
        capture_output()
        host.raise_descriptor_limit()
        host.forbid_core_dumps()
        signals.block()
        shared_memory.freeze()
        if self._pool.config.immortal_objects and not shared_memory.immortalize():
            logger.info("This Python cannot make objects immortal: busy workers need twice the memory")
        malloc.fill_holes()
        warn_of_low_limit(self._pool.config)
        workers = {queue.name: queue.concurrency for queue in self._pool.config.queues}
        ProcessTitle(f"supervisor {','.join(workers)}").show()
        self._pool.spawn_missing()
        logger.info("Supervisor started", extra=fields(instance=self.instance, workers=workers))

    def _listen(self) -> None:
        tick = self._pool.tick
        try:
            number = signals.wait(tick)
        except OSError:
            time.sleep(tick)  # avoid a busy loop
            raise
        self._dispatch(number)

    def _dispatch(self, number: signal.Signals | None) -> None:
        match number:
            case signal.SIGTERM | signal.SIGINT if self._is_stopping:
                if time.monotonic() > self._echoes_until:
                    self._pool.kill_workers("Killing worker: second stop signal")
            case signal.SIGTERM | signal.SIGINT:
                self._stop(number.name)
            case signal.SIGHUP if self._has_terminal and not os.isatty(0):
                if not self._is_stopping:
                    self._stop("its terminal was closed")
            case signal.SIGHUP if not self._is_stopping:
                self._reload()
            case signal.SIGTTIN | signal.SIGTTOU if not self._is_stopping:
                self._resize(number)
            case signals.CANCEL:
                self._pool.alert_busy_workers()

    def _reload(self) -> None:
        if self._phase is Phase.READY:
            self._phase = Phase.RELOADING
            self._notify_systemd()
        try:
            config = self._load_config()
            if leads_elsewhere(self._pool.config.redis, config.redis):
                # The lease of the running jobs would end, and another instance run them again.
                raise ConfigError("REDIS_URL or KEY_PREFIX leads to other queues: restart to change it")
            self._apply_config(config)
            in_force, has_served = self._pool.config, self._pool.has_served
            self._pool.reload(config)
        except ConfigError as error:
            for problem in error.problems:
                logger.error(f"Cannot reload configuration, keeping the old one: {problem}")
            return
        except Exception:
            logger.exception("Cannot reload configuration, keeping the old one")
            return
        if has_served:
            self._fallback = in_force
        # Else more would stay in memory with each reload.
        shared_memory.freeze(again=True)
        warn_of_low_limit(config)
        logger.info("Configuration reloaded", extra=fields(instance=self.instance))

    def _go_back(self, config: Config, process: str) -> None:
        """Put the configuration before the last reload into force again, which `process` cannot work with."""
        self._fallback = None
        problem = f"{process} cannot work with the new one"
        logger.error(f"Cannot reload configuration, going back to the old one: {problem}")
        self._apply_config(config)
        self._pool.reload(config)

    def _resize(self, number: signal.Signals) -> None:
        self._pool.resize(1 if number is signal.SIGTTIN else -1)
        workers = {queue.name: queue.concurrency for queue in self._pool.config.queues}
        logger.info("Number of workers changed", extra=fields(instance=self.instance, workers=workers))

    def _reap(self) -> None:
        misconfigured = self._pool.reap()
        if not misconfigured or self._is_stopping:
            return
        if self._fallback and not self._pool.has_served:
            self._go_back(self._fallback, misconfigured)
            return
        self._exit_code = EX_CONFIG
        self._may_replace_janitor = False
        self._stop(f"{misconfigured} cannot work with this configuration")

    def _stop(self, reason: str) -> None:
        self._phase, self._stopping_since = Phase.STOPPING, time.monotonic()
        logger.info("Supervisor stopping", extra=fields(instance=self.instance, reason=reason))
        self._pool.ask_workers_to_stop()
        # From now: the log's reader may have made it wait, and a second signal waits here meanwhile.
        self._echoes_until = time.monotonic() + _ECHO

    def _advance(self) -> None:
        if self._is_stopping:
            self._advance_shutdown()
        else:
            self._pool.spawn_missing()
            self._pool.replace_outdated()

    def _advance_shutdown(self) -> None:
        now = time.monotonic()
        overtime = now - self._stopping_since - self._pool.config.shutdown_grace
        if overtime > 0:
            self._pool.kill_workers("Killing worker: job did not end within SHUTDOWN_GRACE", only_busy=True)
        if overtime > _SETTLE_LIMIT:
            self._pool.kill_workers("Killing worker: it did not release its slot in time")
        self._pool.ask_workers_to_stop()
        if self._pool.has_workers:
            if self._may_replace_janitor:
                self._pool.spawn_janitor()
            return
        self._leaving_since = self._leaving_since or now
        is_late = now > self._leaving_since + _LEAVE_LIMIT
        if self._may_replace_janitor and not is_late and self._pool.has_janitor_died:
            # Once: else what the slots hold would wait until the lease has ended.
            self._may_replace_janitor = False
            self._pool.replace_janitor()
        self._pool.ask_janitor_to_leave()
        if is_late:
            self._pool.kill_janitor("Killing janitor: it did not release the lease in time")

    def _report(self) -> None:
        if self._phase in (Phase.STARTING, Phase.RELOADING) and self._pool.is_complete:
            self._phase = Phase.READY
        self._notify_systemd()

    def _notify_systemd(self) -> None:
        """Report to systemd. The state of Redis does not matter: a restart would not help."""
        self._notifier.report(self._phase, self._pool.describe(), self._good_for())

    def _good_for(self) -> float:
        if self._is_stopping:
            limits = self._pool.config.shutdown_grace + _SETTLE_LIMIT + _LEAVE_LIMIT + _STOP_OVERTIME
            return max(0.0, self._stopping_since + limits - time.monotonic())
        return _EXTENSION if self._pool.is_healthy else 0.0
