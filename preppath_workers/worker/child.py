"""The processes that a supervisor forks, from their first instruction to their exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkProcess
from pathlib import Path

from ..clients.parent_death import set_pdeathsig
from ..clients.services import Services
from ..config.load import EX_CONFIG
from ..config.model import Config, QueueConfig
from ..errors import ConfigError, NewerLayout
from ..log import fields
from ..registry import Handler
from ..store.consuming.consumer import Consumer
from .maintenance.janitor_process import JanitorProcess
from .processes.cancellations import Cancellations
from .processes.forking import Child
from .processes.instance_info import InstanceInfo
from .processes.liveness import Liveness
from .processes.machine_backoff import MachineBackoff
from .processes.process_title import ProcessTitle
from .processes.signals import LEAVE
from .worker import Worker

logger = logging.getLogger(__name__)

#: Exit code of a process that meets a queue of a newer layout.
EX_NEWER_LAYOUT = 79

#: Added to a worker's oom_score_adj (proc(5)), so that the OOM killer prefers workers to the supervisor.
_OOM_SCORE = 100


def fork_worker(
    config: Config,
    queue: QueueConfig,
    handler: Handler,
    services: Services,
    instance: str,
    number: int,
    liveness: Liveness,
    cancellations: Cancellations,
    machine_backoff: MachineBackoff,
) -> ForkProcess:
    """Fork the worker of one slot."""

    def body() -> None:
        _raise_oom_score()
        title = ProcessTitle(f"{queue.name}[{number}]")
        title.show("idle")
        consumer = Consumer(config, queue, instance, number, liveness.beat)
        shared = (liveness, title, cancellations, machine_backoff)
        Worker(config, queue, handler, consumer, services, *shared).run()

    return _fork(f"{queue.name}:{number}", body)


def fork_janitor(config: Config, instance_info: InstanceInfo, liveness: Liveness) -> ForkProcess:
    """Fork the janitor of an instance."""

    def body() -> None:
        ProcessTitle("janitor").show()
        JanitorProcess(config, instance_info, liveness).run()

    return _fork("janitor", body)


def _fork(name: str, body: Callable[[], None]) -> ForkProcess:
    die_with_parent = set_pdeathsig()

    def main() -> None:
        die_with_parent()
        code = _exit_code(name, body)
        for stream in (sys.stdout, sys.stderr):
            # A handler may have removed or closed it, or put something else in its place.
            with suppress(Exception):
                stream.flush()
        if "sentry_sdk" in sys.modules:
            from .telemetry.sentry import flush

            flush()
        if "opentelemetry.sdk.trace" in sys.modules:
            from .telemetry.tracing import flush as flush_spans

            flush_spans()
        # Not sys.exit: a thread that a handler left running would keep the process alive.
        os._exit(code)

    # daemon=True: multiprocessing terminates the process if the supervisor ends by an exception.
    process = Child(target=main, name=name, daemon=True)
    # Signals stay blocked from before the fork until the new process has its own handlers, so none is lost or
    # handled by the supervisor's defaults.
    signal.pthread_sigmask(signal.SIG_BLOCK, [LEAVE])
    process.start()
    return process


def _exit_code(name: str, body: Callable[[], None]) -> int:
    try:
        body()
    except ConfigError as error:
        for problem in error.problems:
            logger.critical(problem, extra=fields(process=name))
        return EX_NEWER_LAYOUT if isinstance(error, NewerLayout) else EX_CONFIG
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        logger.critical("Unhandled exception in process", extra=fields(process=name), exc_info=True)
        return 1
    return 0


def _raise_oom_score() -> None:
    """Make the OOM killer prefer this worker to the supervisor: only one job is interrupted."""
    score = Path("/proc/self/oom_score_adj")
    with suppress(OSError):
        # Bytes: for a text each worker would import a codec of its own.
        score.write_bytes(b"%d" % min(1000, int(score.read_bytes()) + _OOM_SCORE))
