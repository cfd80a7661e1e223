"""`python -m tests.processes.app`: the real supervisor with the playbook for every queue.

The environment configures it as always; `ENV_FILE` names a file that is read again on SIGHUP.
"""

from __future__ import annotations

import os
import sys
from unittest.mock import Mock

from preppath_workers import config, log
from preppath_workers.handlers.kind import Trade
from preppath_workers.processes.supervisor import Supervisor
from preppath_workers.settings import Config, QueueConfig
from tests.processes import playbook

QUEUES = (QueueConfig("alpha"), QueueConfig("beta"))


def load() -> Config:
    loaded = config.load(config.read_environment(os.environ.get("ENV_FILE")), QUEUES)
    log.configure(loaded.log, loaded.secrets())
    return loaded


if __name__ == "__main__":
    trade = Trade({queue.name: playbook.handle for queue in QUEUES}, lambda _: Mock())
    sys.exit(Supervisor(load(), trade, load).run())
