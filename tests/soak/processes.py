"""The supervisors, and the processes they have."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import tree
from tests.integration.worker.harness import App, is_alive, state_of_process
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.process import children_of
from tests.support.waiting import eventually

from .plan import BACKOFF, LEASE, PREFIXES, RECOVERIES, RETRIES, WORKERS


@dataclass
class Processes:
    """All supervisors, each in a session of its own, reaching Redis at `url`."""

    folder: Path
    url: str
    apps: list[App] = field(default_factory=list)
    #: Process ids of all supervisors that there ever were: each led a session.
    sessions: set[int] = field(default_factory=set)
    #: By supervisor: when it goes on that stands still now.
    asleep: dict[int, float] = field(default_factory=dict)
    #: Supervisors that were killed or stood still, and processes that outlived their supervisor.
    struck: set[int] = field(default_factory=set)
    orphans: list[int] = field(default_factory=list)

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

    def strike_child(self, number: int, draw: Callable[[Sequence[int]], int]) -> list[int]:
        """Kills one of the supervisor's children; returns its process id, if there was one."""
        if not (children := self.children(number)):
            return []
        pid = draw(children)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not is_alive(pid))
        return [pid]

    def strike(self, number: int) -> list[int]:
        """Kills the supervisor and starts it again; returns the process ids of the children it had."""
        pids = self._stand_still(number)
        self.apps[number].kill()
        self.launch(number)
        with suppress(AssertionError):
            eventually(lambda: not any(map(is_alive, pids)), deadline=5)
        self.orphans += filter(is_alive, pids)
        return pids

    def send_to_sleep(self, number: int, seconds: float) -> list[int]:
        """Stops the supervisor and its children; returns their process ids."""
        pids = self._stand_still(number)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        eventually(lambda: all(map(_stands_still, pids)))
        self.asleep[number] = time.monotonic() + seconds
        return pids

    def _stand_still(self, number: int) -> list[int]:
        """Stops the supervisor, so that the children it has are all that there will be."""
        pid = self.apps[number].pid
        self.struck.add(pid)
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: _stands_still(pid))
        return self.children(number)

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
        told = (line.get("traceback") for line in self._logged())
        return [traceback.splitlines()[-1] for traceback in told if traceback]

    def presumed_dead(self) -> list[str]:
        """Instances that others took for dead, and that were neither killed nor stopped."""
        told = (line for line in self._logged() if line["message"] == "Recovered jobs of dead instance")
        names = {line["instance"] for line in told}
        return sorted(name for name in names if int(name.rsplit("-", 2)[1]) not in self.struck)

    def _logged(self) -> list[dict[str, Any]]:
        return [
            json.loads(line)
            for app in self.apps
            for line in app.log_path.read_text(encoding="utf-8").splitlines()
        ]

    def _environment(self, prefix: str) -> dict[str, str]:
        return {
            "REDIS_URL": self.url,
            "KEY_PREFIX": prefix,
            **MINIMAL_ENV,
            "HANDLER_RECORD": str(self.record(prefix)),
            "LOG_LEVEL": "warning",
            "LOG_FORMAT": "json",
            "TMPDIR": str(self.folder / "tmp"),
            "LEASE_SECONDS": str(LEASE),
            "KEEP_COMPLETED_SECONDS": "86400",
            "ALPHA_CONCURRENCY": str(WORKERS),
            "ALPHA_RECOVERIES": str(RECOVERIES),
            "ALPHA_RETRIES": str(RETRIES),
            "ALPHA_BACKOFF": str(BACKOFF),
        }


def _stands_still(pid: int) -> bool:
    """Whether it is stopped, or dead."""
    return state_of_process(pid) in "TZX"
