"""What the supervisor forks: the bodies of its children, from their first instruction to their exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkProcess
from pathlib import Path

from .. import __version__
from ..config.load import EX_CONFIG
from ..config.model import Config, QueueConfig
from ..errors import ConfigError
from ..log import fields
from ..parent_death import set_pdeathsig
from ..registry import Registry
from ..store.consumer import Consumer
from .forking import Child
from .janitor import LEAVE, InstanceInfo, Janitor
from .liveness import Liveness
from .process_title import ProcessTitle
from .worker import Worker

logger = logging.getLogger(__name__)

#: What a worker adds to the points by which the kernel chooses whom to kill when memory runs out (proc(5),
#: oom_score_adj): a tenth of the memory there is.
_OOM_POINTS = 100


def fork_worker(
    config: Config, queue: QueueConfig, registry: Registry, instance: str, number: int, liveness: Liveness
) -> ForkProcess:
    """Starts the worker of one slot."""

    def body() -> None:
        _prefer_for_oom_kill()
        title = ProcessTitle(f"{queue.name}[{number}]")
        title.show("idle")
        consumer = Consumer(config, queue, instance, number)
        Worker(
            config, queue, registry.handlers[queue.name], consumer, registry.services(config), liveness, title
        ).run()

    return _fork(f"{queue.name}:{number}", body)


def fork_janitor(config: Config, instance_info: InstanceInfo, liveness: Liveness) -> ForkProcess:
    """Starts the janitor of an instance."""

    def body() -> None:
        ProcessTitle("janitor").show()
        Janitor(config, instance_info, liveness, __version__).run()

    return _fork("janitor", body)


def _fork(name: str, body: Callable[[], None]) -> ForkProcess:
    die_with_parent = set_pdeathsig()

    def main() -> None:
        die_with_parent()
        code = _exit_code(name, body)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        # At once: a thread that a job has left behind would keep the process for ever.
        os._exit(code)

    # A daemon: should the supervisor itself end by an exception, multiprocessing stops the children.
    process = Child(target=main, name=name, daemon=True)
    # All of the janitor's and workers' signals are blocked from before the fork until the child has its own
    # handlers: none is lost, and none meets the supervisor's defaults.
    signal.pthread_sigmask(signal.SIG_BLOCK, [LEAVE])
    process.start()
    return process


def _exit_code(name: str, body: Callable[[], None]) -> int:
    try:
        body()
    except ConfigError as error:
        for problem in error.problems:
            logger.critical(problem, extra=fields(process=name))
        return EX_CONFIG
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        logger.critical("A child process died of a bug", extra=fields(process=name), exc_info=True)
        return 1
    return 0


def _prefer_for_oom_kill() -> None:
    """Where memory runs out, a worker is lost rather than the supervisor: its job runs again, and the other
    workers go on."""
    points = Path("/proc/self/oom_score_adj")
    with suppress(OSError):
        points.write_text(str(min(1000, int(points.read_text()) + _OOM_POINTS)), encoding="ascii")
