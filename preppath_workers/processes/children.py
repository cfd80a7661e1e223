"""What the supervisor forks: the bodies of its children, from their first instruction to their exit code."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.context import ForkProcess

from .. import __version__
from ..config import EX_CONFIG
from ..errors import ConfigError
from ..handlers.kind import Trade
from ..log import facts
from ..queue.slot import Slot
from ..settings import Config, QueueConfig
from .interrupts import Interrupts
from .janitor import LEAVE, Footprint, Janitor
from .orphans import die_with
from .pulse import Pulse
from .worker import Worker

logger = logging.getLogger(__name__)


def fork_worker(
    config: Config, queue: QueueConfig, trade: Trade, instance: str, number: int, pulse: Pulse
) -> ForkProcess:
    """Starts the worker of one slot."""

    def body() -> None:
        interrupts = Interrupts()
        interrupts.install()
        slot = Slot(config, queue, instance, number)
        handle, services = trade.handlers[queue.name], trade.services(config)
        Worker(config, queue, handle, slot, services, pulse, interrupts).run()

    return _fork(f"{queue.name}:{number}", body)


def fork_janitor(config: Config, footprint: Footprint, pulse: Pulse) -> ForkProcess:
    """Starts the janitor of an instance."""
    return _fork("janitor", lambda: Janitor(config, footprint, pulse, __version__).run())


def _fork(name: str, body: Callable[[], None]) -> ForkProcess:
    parent = os.getpid()

    def main() -> None:
        die_with(parent)
        try:
            body()
        except ConfigError as error:
            for problem in error.problems:
                logger.critical(problem, extra=facts(child=name))
            sys.exit(EX_CONFIG)
        except Exception:
            logger.critical("A child process died of a bug", extra=facts(child=name), exc_info=True)
            sys.exit(1)

    # A daemon: should the supervisor itself end by an exception, multiprocessing stops the children.
    process = multiprocessing.get_context("fork").Process(target=main, name=name, daemon=True)
    # All of the janitor's and workers' signals are blocked from before the fork until the child has its own
    # handlers: none is lost, and none meets the supervisor's defaults.
    signal.pthread_sigmask(signal.SIG_BLOCK, [LEAVE])
    process.start()
    return process
