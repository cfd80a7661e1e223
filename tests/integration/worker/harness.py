"""The real supervisor as a process, and what its log and its handlers say about it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from preppath_workers import Queue
from tests.support.forked import ForkedProcess
from tests.support.process import ROOT
from tests.support.waiting import eventually


@dataclass
class App:
    """One supervisor with the scripted handlers for the queues alpha and beta."""

    folder: Path
    environment: Mapping[str, str]
    module: str = "tests.integration.worker.app"
    arguments: Sequence[str] = ()
    process: subprocess.Popen[bytes] | ForkedProcess | None = None
    #: A command to start it through, and a function that its process calls first.
    starter: Sequence[str] = ()
    prepare: Callable[[], object] | None = None
    #: Where its log goes instead of the file; then `logged` finds nothing.
    stderr: int | None = None
    #: Whether the program forks from a process with its modules, instead of starting Python.
    forks: bool = True

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def log_path(self) -> Path:
        return self.folder / "log"

    def start(self) -> App:
        """Start it and wait until every worker has started."""
        self.launch()
        eventually(lambda: self.logged("Supervisor started"), deadline=30)
        wanted = sum(self.logged("Supervisor started")[-1]["workers"].values())
        eventually(lambda: len(self.workers()) >= wanted, deadline=30)
        return self

    def launch(self) -> App:
        """Start it and do not wait."""
        environment = {**os.environ, **self.environment}
        is_plain = not self.starter and self.prepare is None and self.stderr is None
        if self.forks and is_plain and "PYTHONPATH" not in self.environment:
            self.process = ForkedProcess(self.module, self.arguments, environment, self.log_path)
            return self
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.starter, sys.executable, "-m", self.module, *self.arguments],
                cwd=ROOT,
                env=environment,
                stderr=log if self.stderr is None else self.stderr,
                start_new_session=True,
                preexec_fn=self.prepare,
            )
        return self

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and wait; return the exit code."""
        self.send(number)
        return self.wait()

    def stop_at_once(self) -> int:
        """Send a second SIGTERM after the first, so that no job is waited for; return the exit code."""
        self.send(signal.SIGTERM)
        eventually(lambda: self.logged("Supervisor stopping"))
        time.sleep(0.6)  # an earlier one would repeat the first
        return self.stop()

    def wait(self, timeout: float = 30) -> int:
        assert self.process is not None
        return self.process.wait(timeout)

    def kill(self) -> None:
        """Kill the supervisor alone, not its workers."""
        if self.process and self.process.poll() is None:
            self.send(signal.SIGKILL)
            self.wait()

    def logged(self, message: str) -> list[dict[str, Any]]:
        """The lines of the log with this message."""
        return [line for line in self.lines() if line["message"] == message]

    def lines(self) -> list[dict[str, Any]]:
        """The whole log."""
        lines = self.log_path.read_text(encoding="utf-8").splitlines() if self.log_path.exists() else []
        return [*map(json.loads, lines)]

    def processes(self) -> dict[str, int]:
        """The pids of its live workers and janitor, by name: `alpha:0`, `janitor`."""
        latest = {line["process"]: line["processPid"] for line in self.logged("Process started")}
        return {name: pid for name, pid in latest.items() if is_alive(pid)}

    def workers(self) -> dict[str, int]:
        return {name: pid for name, pid in self.processes().items() if name != "janitor"}

    def records(self, word: str = "") -> list[list[str]]:
        """What the handlers recorded: `[word, job id, pid]`."""
        path = Path(self.environment["HANDLER_RECORD"])
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [words for words in map(str.split, lines) if not word or words[0] == word]

    def runs(self, job_id: str) -> int:
        """How often the handler was called for the job."""
        return sum(words[1] == job_id for words in self.records("start"))

    def pid_of(self, job_id: str) -> int:
        """The pid of the worker that runs the job, once it has started."""
        started = eventually(lambda: [words for words in self.records("start") if words[1] == job_id])
        return int(started[-1][2])


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    return state_of_process(pid) not in "ZX"


def state_of_process(pid: int) -> str:
    """The process state as in proc(5); X if it does not exist."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def queue_of(redis: Redis, environment: Mapping[str, str], name: str = "alpha") -> Queue:
    """A queue of the App with this environment."""
    return Queue(name, redis, environment["KEY_PREFIX"])


def state_of(queue: Queue, job_id: str) -> str | None:
    job = queue.get(job_id)
    return job.state if job else None
