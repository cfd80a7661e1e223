"""The supervisors, and the processes they have."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from preppath_workers.dev.process import children_of
from tests.bench import tree
from tests.nowhere import NOWHERE
from tests.processes.harness import App, is_alive

from .plan import LEASE, PREFIXES, RECOVERIES, RETRIES, WORKERS


@dataclass
class Crew:
    """All supervisors, each in a session of its own, reaching Redis at `url`."""

    folder: Path
    url: str
    apps: list[App] = field(default_factory=list)
    #: Process ids of all supervisors that there ever were: each led a session.
    sessions: set[int] = field(default_factory=set)
    #: By supervisor: when it goes on that stands still now.
    asleep: dict[int, float] = field(default_factory=dict)

    def start(self) -> None:
        (self.folder / "tmp").mkdir()
        for number, prefix in enumerate(PREFIXES):
            folder = self.folder / f"app{number}"
            folder.mkdir()
            self.apps.append(App(folder, self._environment(prefix), module="tests.soak.app"))
            self.launch(number)

    def record(self, prefix: str) -> Path:
        return self.folder / f"record-{prefix}"

    def launch(self, number: int) -> None:
        self.sessions.add(self.apps[number].launch().pid)

    def awake(self) -> list[int]:
        """The supervisors that can be bothered."""
        return [
            number for number, app in enumerate(self.apps) if number not in self.asleep and is_alive(app.pid)
        ]

    def children(self, number: int) -> list[int]:
        """Process ids of the supervisor's children, the janitor among them."""
        return [pid for pid in map(int, children_of(self.apps[number].pid)) if is_alive(pid)]

    def send_to_sleep(self, number: int, seconds: float) -> None:
        self.asleep[number] = time.monotonic() + seconds
        for pid in [self.apps[number].pid, *self.children(number)]:
            os.kill(pid, signal.SIGSTOP)

    def wake(self, everyone: bool = False) -> None:
        """Those whose time has come go on."""
        for number, until in list(self.asleep.items()):
            if everyone or time.monotonic() > until:
                del self.asleep[number]
                for pid in [*self.children(number), self.apps[number].pid]:
                    os.kill(pid, signal.SIGCONT)

    def stop(self) -> list[int]:
        """All in good order; returns their exit codes."""
        self.wake(everyone=True)
        for app in self.apps:
            app.send(signal.SIGTERM)
        return [app.wait() for app in self.apps]

    def kill(self) -> None:
        self.wake(everyone=True)
        for app in self.apps:
            app.kill()

    def left_processes(self) -> list[int]:
        """Processes of any of the sessions."""
        return tree.members(*self.sessions)

    def left_files(self) -> list[str]:
        """What is left in the folder that was theirs for temporary files."""
        return sorted(path.name for path in (self.folder / "tmp").iterdir())

    def tracebacks(self) -> list[str]:
        """Bugs, as the logs tell them: the last line of each."""
        lines = [line for app in self.apps for line in app.log_path.read_text(encoding="utf-8").splitlines()]
        told = [json.loads(line).get("traceback") for line in lines]
        return [traceback.splitlines()[-1] for traceback in told if traceback]

    def _environment(self, prefix: str) -> dict[str, str]:
        return {
            "REDIS_URL": self.url,
            "KEY_PREFIX": prefix,
            **NOWHERE,
            "PLAYBOOK_RECORD": str(self.record(prefix)),
            "LOG_LEVEL": "error",
            "LOG_FORMAT": "json",
            "TMPDIR": str(self.folder / "tmp"),
            "LEASE_SECONDS": str(LEASE),
            "KEEP_COMPLETED_SECONDS": "86400",
            "ALPHA_CONCURRENCY": str(WORKERS),
            "ALPHA_RECOVERIES": str(RECOVERIES),
            "ALPHA_RETRIES": str(RETRIES),
            "ALPHA_BACKOFF": "0.5",
        }
