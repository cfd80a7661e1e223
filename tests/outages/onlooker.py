"""What an operator sees during an outage: the commands, as the workers are configured, and the log."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from tests.support.process import ROOT

from .table import Service

#: Seconds between two rounds of commands, and a command's time limit.
_PAUSE, _PATIENCE = 3.0, 10.0

#: Levels that operators see.
_LOUD = ("warning", "error", "critical")


@dataclass
class Onlooker:
    """Calls `queues` and `health` repeatedly until it is stopped or both have named the service."""

    service: Service
    environment: Mapping[str, str]
    first_look: float
    named: dict[str, bool] = field(default_factory=lambda: {"queues": False, "health": False})
    #: The last output of each command, to diagnose why it did not name the service.
    said: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Start no further round. Returns at once: the outage must not last until a command has ended."""
        self._stopped.set()

    def wait(self) -> None:
        """Return when the last round is over."""
        self._thread.join()

    def _look(self) -> None:
        pause = self.first_look
        while not self._stopped.wait(pause) and not all(self.named.values()):
            pause = _PAUSE
            for command in [name for name, named in self.named.items() if not named]:
                code, output = self._ask(command)
                self.said[command] = output
                # A health check that succeeds alerts no one.
                self.named[command] = names(self.service, output) and (command == "queues" or code != 0)

    def _ask(self, command: str) -> tuple[int, str]:
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                [sys.executable, "-m", "preppath_workers", command],
                cwd=ROOT,
                env=dict(self.environment),
                capture_output=True,
                encoding="utf-8",
                timeout=_PATIENCE,
            )
            return done.returncode, done.stdout + done.stderr
        return 1, f"(no answer within {_PATIENCE:g} s)"


def names(service: Service, text: str) -> bool:
    return re.search(rf"\b{service}\b", text, re.IGNORECASE) is not None


def log_names(service: Service, lines: Iterable[str]) -> bool:
    """Whether a line of level warning or above names the service."""
    return any(names(service, line) for line in lines if json.loads(line)["level"] in _LOUD)
