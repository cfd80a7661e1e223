"""The supervisors, and the processes they have."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
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
    #: Process ids of all supervisors so far: each leads a session.
    sessions: set[int] = field(default_factory=set)
    #: When each suspended supervisor is resumed, by its number.
    suspended: dict[int, float] = field(default_factory=dict)
    #: Supervisors that were killed or suspended, and when first (s since the epoch); and processes
    #: that outlived their supervisor.
    struck: dict[int, float] = field(default_factory=dict)
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

    def running(self) -> list[int]:
        """Return the numbers of the supervisors that run."""
        return [
            number
            for number, app in enumerate(self.apps)
            if number not in self.suspended and is_alive(app.pid)
        ]

    def processes_of(self, number: int) -> list[int]:
        """Return the process ids of the supervisor's workers and janitor."""
        return [pid for pid in map(int, children_of(self.apps[number].pid)) if is_alive(pid)]

    def kill_process(self, number: int, draw: Callable[[Sequence[int]], int]) -> list[int]:
        """Kill one of the supervisor's workers or its janitor; return its process id, if there was one."""
        if not (pids := self.processes_of(number)):
            return []
        pid = draw(pids)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not is_alive(pid))
        return [pid]

    def kill_supervisor(self, number: int) -> list[int]:
        """Kill the supervisor and start it again; return the process ids of its workers and janitor."""
        pids = self._suspend_supervisor(number)
        self.apps[number].kill()
        self.launch(number)
        with suppress(AssertionError):
            eventually(lambda: not any(map(is_alive, pids)), deadline=5)
        self.orphans += filter(is_alive, pids)
        return pids

    def suspend(self, number: int, seconds: float) -> list[int]:
        """Suspend the supervisor, its workers and its janitor; return the process ids of the latter."""
        pids = self._suspend_supervisor(number)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        eventually(lambda: all(map(_is_suspended, pids)))
        self.suspended[number] = time.monotonic() + seconds
        return pids

    def _suspend_supervisor(self, number: int) -> list[int]:
        """Suspend the supervisor, so that it forks no more; return the pids of its workers and janitor."""
        pid = self.apps[number].pid
        self.struck.setdefault(pid, time.time())
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: _is_suspended(pid))
        return self.processes_of(number)

    def resume(self, all_of_them: bool = False) -> None:
        """Resume the supervisors that are due, or all."""
        for number, until in list(self.suspended.items()):
            if all_of_them or time.monotonic() > until:
                del self.suspended[number]
                for pid in [*self.processes_of(number), self.apps[number].pid]:
                    os.kill(pid, signal.SIGCONT)

    def stop(self) -> list[int]:
        """Stop all supervisors; return their exit codes."""
        self.resume(all_of_them=True)
        for app in self.apps:
            app.send(signal.SIGTERM)
        return [app.wait() for app in self.apps]

    def kill(self) -> None:
        self.resume(all_of_them=True)
        for app in self.apps:
            app.kill()

    def left_processes(self) -> list[int]:
        """Return the processes of the sessions that still exist."""
        return tree.members(*self.sessions)

    def left_files(self) -> list[str]:
        """Return what is left in the folder for temporary files."""
        return sorted(path.name for path in (self.folder / "tmp").iterdir())

    def tracebacks(self) -> list[str]:
        """Return the last line of each traceback in the logs."""
        texts = (line.get("traceback") for line in self._logged())
        return [traceback.splitlines()[-1] for traceback in texts if traceback]

    def presumed_dead(self) -> list[str]:
        """Instances that others took for dead before anything struck them: their leases ran out
        because the machine did not keep up."""
        recovered = (line for line in self._logged() if line["message"] == "Recovered jobs of dead instance")
        seen = ((line["instance"], datetime.fromisoformat(line["time"]).timestamp()) for line in recovered)
        return sorted({name for name, at in seen if at < self._struck_at(name)})

    def _struck_at(self, instance: str) -> float:
        return self.struck.get(int(instance.rsplit("-", 2)[1]), math.inf)

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
            "KEEP_COMPLETED_COUNT": "1000000",
            "ALPHA_CONCURRENCY": str(WORKERS),
            "ALPHA_RECOVERIES": str(RECOVERIES),
            "ALPHA_RETRIES": str(RETRIES),
            "ALPHA_BACKOFF": str(BACKOFF),
        }


def _is_suspended(pid: int) -> bool:
    """Whether it is stopped, or dead."""
    return state_of_process(pid) in "TZX"
