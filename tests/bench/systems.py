"""The systems that the benchmark compares, and their environments."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.support.process import HOST, ROOT

#: The folder of the peers' environments, each of which takes a minute to create.
VENVS = ROOT / ".bench"

#: Installed beside each Python peer: the fast parser that preppath-workers has, and what PrepPath's jobs
#: need.
_EXTRAS = ("redis", "hiredis", "openai", "boto3", "psycopg2-binary")

#: The Redis client of BullMQ, which its users install themselves.
_NODE_CLIENT = "ioredis@5"

#: Seconds within which a program must add its jobs, or measure latency.
_PATIENCE = 120.0

#: Loaded by each worker when memory is measured.
LIBRARIES = "openai,boto3,psycopg2"


@dataclass(frozen=True)
class System:
    """One system. `package` is what pip or npm installs, empty if the project itself has it; `module` is in
    `peers/`; `jobs` are enough for some seconds of work."""

    name: str
    module: str
    jobs: int
    package: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    #: Whether it can recover a job: the limits are loops of commands, not queues.
    has_recovery: bool = True
    #: Shown beside the name in the table.
    remark: str = ""

    @property
    def is_node(self) -> bool:
        return self.module.endswith(".js")

    def start(self, processes: int, redis_url: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start the workers, in a new session."""
        return subprocess.Popen(
            self._command("work", str(processes)),
            env=self._environment(redis_url, variables),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def ask(self, redis_url: str, *words: str, **variables: str) -> str:
        """Run the system's program and return its output; see `peers.driver`. Raises
        subprocess.CalledProcessError."""
        return subprocess.run(
            self._command(*words),
            env=self._environment(redis_url, variables),
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        ).stdout

    def _command(self, *words: str) -> Sequence[str]:
        if self.is_node:
            return ["node", str(ROOT / "tests" / "bench" / "peers" / self.module), *words]
        return [str(self._python), "-m", f"tests.bench.peers.{self.module}", *words]

    def _environment(self, redis_url: str, more: Mapping[str, str]) -> dict[str, str]:
        known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        node = {"NODE_PATH": str(self._folder / "node_modules")}
        ours = {"PYTHONPATH": str(ROOT), "NO_PROXY": HOST, "REDIS_URL": redis_url}
        return {**known, **node, **ours, **self.environment, **more}

    def install(self) -> str:
        """Create the environment if it is missing. Return why that failed, or an empty string."""
        if not self.package or (self._folder / "complete").exists():
            return ""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        try:
            for step in self._steps():
                subprocess.run(
                    step, cwd=self._folder, check=True, capture_output=True, text=True, timeout=600
                )
        except FileNotFoundError as error:
            return f"{error.filename} is not installed"
        except subprocess.SubprocessError as error:
            return f"{type(error).__name__}: {(getattr(error, 'stderr', '') or '')[-200:].strip()}"
        (self._folder / "complete").touch()
        return ""

    @property
    def _folder(self) -> Path:
        # Without the brackets of an extra, which some programs treat as a pattern of file names.
        return VENVS / re.sub(r"[^\w.]+", "-", self.package)

    @property
    def _python(self) -> Path:
        return self._folder / "bin" / "python" if self.package else Path(sys.executable)

    def _steps(self) -> list[list[str]]:
        if self.is_node:
            return [
                ["npm", "install", "--no-audit", "--no-fund", "--prefix", ".", self.package, _NODE_CLIENT]
            ]
        return [
            [sys.executable, "-m", "venv", "."],
            [str(self._python), "-m", "pip", "install", "--quiet", self.package, *_EXTRAS],
        ]


OURS = System("preppath-workers", "ours", 60_000)


def _limit(name: str, trips: int) -> System:
    return System(
        name,
        "raw",
        70_000,
        environment={"RAW_TRIPS": str(trips)},
        remark="no bookkeeping",
        has_recovery=False,
    )


LIMITS = (_limit("limit: BRPOPLPUSH, LREM", 2), _limit("limit: [LREM, BRPOPLPUSH]", 1))

PEERS = (
    System("rq", "rq", 2_500, "rq==3.0.0", remark="SimpleWorker"),
    System("celery", "celery", 4_000, "celery[redis]==5.7.0", remark="acks_late"),
    System("dramatiq", "dramatiq", 15_000, "dramatiq[redis]==2.2.1", remark="8 threads a process"),
    System("huey", "huey", 25_000, "huey==3.5.4", remark="at most once"),
    System("saq", "saq", 12_000, "saq[redis]==0.26.4"),
    System("bullmq (Python)", "bullmq", 12_000, "bullmq==3.4.4", remark="10 at a time a process"),
    System("bullmq (Node)", "bullmq.js", 40_000, "bullmq@6.7.0", remark="10 at a time a process"),
)

LIMITED = replace(
    OURS,
    name="preppath-workers, limited",
    environment={"BENCH_LIMIT": "1000000/1"},
    remark="a rate limit that is never reached",
)

ALL = (OURS, LIMITED, *LIMITS, *PEERS)
