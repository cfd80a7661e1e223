"""Starts the real supervisor as a process of its own, and tells what it and its children do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from preppath_workers import Queue
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[3]


@dataclass
class App:
    """One supervisor that works the queues alpha and beta with the playbook."""

    folder: Path
    environment: Mapping[str, str]
    module: str = "tests.integration.worker.app"
    arguments: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None
    #: A command that starts another, to start it with, and what its process does before anything else.
    starter: Sequence[str] = ()
    prepare: Callable[[], object] | None = None
    #: Where its log goes instead of the file; then `logged` and what asks it know nothing.
    stderr: int | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def log_path(self) -> Path:
        return self.folder / "log"

    def start(self) -> App:
        """Starts it and waits until every worker waits for jobs."""
        self.launch()
        eventually(lambda: self.logged("Supervisor started"), deadline=30)
        wanted = sum(self.logged("Supervisor started")[-1]["workers"].values())
        eventually(lambda: len(self.workers()) >= wanted, deadline=30)
        return self

    def launch(self) -> App:
        """Starts it, no more."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.starter, sys.executable, "-m", self.module, *self.arguments],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stderr=log if self.stderr is None else self.stderr,
                start_new_session=True,
                preexec_fn=self.prepare,
            )
        return self

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Asks it to stop; returns the exit code."""
        self.send(number)
        return self.wait()

    def wait(self, timeout: float = 30) -> int:
        assert self.process is not None
        return self.process.wait(timeout)

    def kill(self) -> None:
        """Ends the supervisor and nothing else; its children are its own affair."""
        if self.process and self.process.poll() is None:
            self.send(signal.SIGKILL)
            self.wait()

    def logged(self, message: str) -> list[dict[str, Any]]:
        """The log's lines with this message."""
        return [line for line in self.lines() if line["message"] == message]

    def lines(self) -> list[dict[str, Any]]:
        """The whole log."""
        lines = self.log_path.read_text(encoding="utf-8").splitlines() if self.log_path.exists() else []
        return [*map(json.loads, lines)]

    def children(self) -> dict[str, int]:
        """The living children by name: `alpha:0`, `janitor`, …"""
        latest = {line["process"]: line["processPid"] for line in self.logged("Process started")}
        return {name: pid for name, pid in latest.items() if is_alive(pid)}

    def workers(self) -> dict[str, int]:
        return {name: pid for name, pid in self.children().items() if name != "janitor"}

    def records(self, word: str = "") -> list[list[str]]:
        """What the playbook wrote down: `[word, job id, pid]`."""
        path = Path(self.environment["PLAYBOOK_RECORD"])
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [words for words in map(str.split, lines) if not word or words[0] == word]

    def runs(self, job_id: str) -> int:
        """How often the job was started, as its handler knows it."""
        return sum(words[1] == job_id for words in self.records("start"))

    def pid_of(self, job_id: str) -> int:
        """Who runs the job, once somebody does."""
        started = eventually(lambda: [words for words in self.records("start") if words[1] == job_id])
        return int(started[-1][2])


def is_alive(pid: int) -> bool:
    """Whether the process runs: one that only waits to be reaped does not."""
    return state_of_process(pid) not in "ZX"


def state_of_process(pid: int) -> str:
    """The letter that proc(5) gives its state; X, dead, where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def queue_of(redis: Redis, environment: Mapping[str, str], name: str = "alpha") -> Queue:
    """The queue that an App of this environment works."""
    return Queue(name, redis, environment["KEY_PREFIX"])


def state_of(queue: Queue, job_id: str) -> str | None:
    job = queue.get(job_id)
    return job.state if job else None
