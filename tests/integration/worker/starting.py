"""The real supervisor with a test's own handlers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from unittest.mock import Mock

from preppath_workers import log
from preppath_workers.config import load as config
from preppath_workers.config.model import Config, QueueConfig
from preppath_workers.registry import Handler, Registry
from preppath_workers.worker.supervisor import Supervisor


def supervise(handlers: Mapping[str, Handler]) -> int:
    """Run a supervisor with a queue for each handler; return its exit code. The environment configures it;
    `ENV_FILE` names a file that SIGHUP reads again."""
    queues = tuple(map(QueueConfig, handlers))

    def load() -> Config:
        return config.load(config.read_environment(os.environ.get("ENV_FILE")), queues)

    def apply(loaded: Config) -> None:
        log.configure(loaded.log, loaded.secrets())

    first = load()
    apply(first)
    return Supervisor(first, Registry(handlers, lambda _: Mock()), load, apply).run()
