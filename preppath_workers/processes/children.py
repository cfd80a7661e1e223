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
from ..config import EX_CONFIG
from ..errors import ConfigError
from ..handlers.kind import Trade
from ..log import facts
from ..orphans import dies_with_us
from ..queue.slot import Slot
from ..settings import Config, QueueConfig
from .forking import Child
from .janitor import LEAVE, Footprint, Janitor
from .pulse import Pulse
from .titles import Title
from .worker import Worker

logger = logging.getLogger(__name__)

#: What a worker adds to the points by which the kernel chooses whom to kill when memory runs out (proc(5),
#: oom_score_adj): a tenth of the memory there is.
_OOM_POINTS = 100


def fork_worker(
    config: Config, queue: QueueConfig, trade: Trade, instance: str, number: int, pulse: Pulse
) -> ForkProcess:
    """Starts the worker of one slot."""

    def body() -> None:
        _be_the_first_to_go()
        title = Title(f"{queue.name}[{number}]")
        title.show("idle")
        slot = Slot(config, queue, instance, number)
        Worker(config, queue, trade.handlers[queue.name], slot, trade.services(config), pulse, title).run()

    return _fork(f"{queue.name}:{number}", body)


def fork_janitor(config: Config, footprint: Footprint, pulse: Pulse) -> ForkProcess:
    """Starts the janitor of an instance."""

    def body() -> None:
        Title("janitor").show()
        Janitor(config, footprint, pulse, __version__).run()

    return _fork("janitor", body)


def _fork(name: str, body: Callable[[], None]) -> ForkProcess:
    die_with_parent = dies_with_us()

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
            logger.critical(problem, extra=facts(child=name))
        return EX_CONFIG
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        logger.critical("A child process died of a bug", extra=facts(child=name), exc_info=True)
        return 1
    return 0


def _be_the_first_to_go() -> None:
    """Where memory runs out, a worker is lost rather than the supervisor: its job runs again, and the other
    workers go on."""
    points = Path("/proc/self/oom_score_adj")
    with suppress(OSError):
        points.write_text(str(min(1000, int(points.read_text()) + _OOM_POINTS)), encoding="ascii")
