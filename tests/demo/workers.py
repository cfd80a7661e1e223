"""The workers of the demo: the real supervisor, started by its command."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from preppath_workers.queue import Queue
from tests.support.process import Server

ROOT = Path(__file__).resolve().parents[2]


class Workers(Server):
    """`bin/preppath-workers --config <file>`. It listens on no port; the rest of Server is needed:
    its folder with the log, the wait for its start, its stop, and its end when the demo dies."""

    def __init__(self, config: Path, directory: Path, workers: Mapping[Queue, int]) -> None:
        """`workers`: how many workers each queue will have."""
        directory.mkdir()
        super().__init__(directory=directory)
        self._config = config
        self._workers = workers
        #: None while it runs, or if it never started.
        self.exit_code: int | None = None

    def command(self) -> Sequence[str]:
        return [str(ROOT / "bin" / "preppath-workers"), "--config", str(self._config)]

    def launch(self) -> None:
        # Without a .venv in the checkout it uses the python3 on PATH.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        self.spawn(self.command(), environment={"PATH": path})

    def ready(self) -> bool:
        """Whether its workers are registered with every queue."""
        return all(queue.counts().workers == wanted for queue, wanted in self._workers.items())

    def stop(self) -> None:
        process = self._process
        super().stop()
        if process is not None:
            self.exit_code = process.returncode
