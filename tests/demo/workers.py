"""The workers of the demo: the real supervisor, started as a user starts it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from preppath_workers.queue import Queue
from tests.support.process import Server

ROOT = Path(__file__).resolve().parents[2]


class Workers(Server):
    """`bin/preppath-workers --config <file>`. It listens on no port, but all else of a Server is wanted here:
    its folder with its log, a start that is waited for, an end in order, and death when we die."""

    def __init__(self, config: Path, directory: Path, children: Mapping[Queue, int]) -> None:
        """`children`: the queues, and how many children it will have for each."""
        directory.mkdir()
        super().__init__(directory=directory)
        self._config = config
        self._children = children
        #: What it ended with; None while it runs, or when it never did.
        self.exit_code: int | None = None

    def command(self) -> Sequence[str]:
        return [str(ROOT / "bin" / "preppath-workers"), "--config", str(self._config)]

    def launch(self) -> None:
        # Where the checkout has no .venv, it takes the python3 on PATH: that must be ours.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        self.spawn(self.command(), environment={"PATH": path})

    def ready(self) -> bool:
        """Whether it has registered its children with every queue."""
        return all(queue.counts().workers == wanted for queue, wanted in self._children.items())

    def stop(self) -> None:
        process = self._process
        super().stop()
        if process is not None:
            self.exit_code = process.returncode
