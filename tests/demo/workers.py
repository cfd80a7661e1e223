"""The supervisor of the demo as a process."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from preppath_workers.queue import Queue
from tests.support.process import ROOT, Server


class Workers(Server):
    """The supervisor, started by its command. It listens on no port; what counts is that the queues know its
    workers."""

    def __init__(self, config: Path, directory: Path, wanted: Mapping[Queue, int]) -> None:
        """`wanted`: how many workers each queue will have."""
        super().__init__(directory=directory)
        self._config = config
        self._wanted = wanted
        #: None while it runs.
        self.exit_code: int | None = None

    def command(self) -> Sequence[str]:
        return [str(ROOT / "bin" / "preppath-workers"), "--config", str(self._config)]

    def launch(self) -> None:
        # Without a .venv in the checkout it uses the python3 on PATH.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        self.spawn(self.command(), environment={"PATH": path})

    def ready(self) -> bool:
        return all(queue.counts().workers == wanted for queue, wanted in self._wanted.items())

    def stop(self) -> None:
        process = self._process
        super().stop()
        if process is not None:
            self.exit_code = process.returncode
