"""`python -m tests.bench.busy`: the memory of the real program while all workers wait for a vendor's answer.

All workers of a queue do a first job, then a second. The memory is measured while every second call is in
flight.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from preppath_workers import NewJob, Queue
from preppath_workers.clients.postgres.client import Database
from preppath_workers.clients.postgres.schema import create_missing
from preppath_workers.store.connections.connection import client
from tests.fake_openai.control import OpenAIServer
from tests.support import report
from tests.support.interview import add_interview
from tests.support.postgres import PostgresServer
from tests.support.s3 import S3Server
from tests.support.servers import running
from tests.support.tls_proxy import TlsProxy
from tests.support.tool import run_tool
from tests.support.waiting import eventually
from tests.support.wav import Wav

from . import tree
from .server import BenchServer

HEADINGS = (
    "workers of",
    "workers",
    "MiB a busy worker (PSS)",
    "of them its own",
    "idle before the first job (own)",
    "supervisor and janitor",
    "all together",
)

_BUCKET = "busy"

#: Seconds of a call: all workers must have begun theirs. And until all calls count as in flight.
_CALL, _REACHED = 10.0, 3.0


@dataclass(frozen=True)
class Kind:
    """A queue, with variables of its configuration, its jobs by their number, and the path of its calls."""

    name: str
    queue: str
    job: Callable[[int], Mapping[str, str]]
    variables: Mapping[str, str]


def _recording(number: int) -> dict[str, str]:
    return {"recordingId": f"r{number}", "userId": "u1"}


def _question(number: int) -> dict[str, str]:
    return {"questionId": f"q{number}", "text": f"What is an index, number {number}?"}


def _answer(number: int) -> dict[str, str]:
    return {"questionId": "q1", "interviewId": "i1", "userId": "u1", "answer": f"{number} is an index."}


KINDS = (
    Kind("evaluation", "evaluation", _answer, {}),
    Kind("transcription", "transcription", _recording, {}),
    Kind("tts (Realtime)", "tts", _question, {}),
    Kind("tts (speech endpoint)", "tts", _question, {"OPENAI_TTS_MODEL": "gpt-4o-mini-tts"}),
)


class _Postgres(PostgresServer):
    def command(self) -> Sequence[str]:
        return [*super().command(), "-c", "max_connections=300"]


@dataclass(frozen=True)
class Memory:
    """MiB: PSS of a worker and what only it holds, on average; of supervisor and janitor; of all."""

    worker: float
    own: float
    others: float
    total: float

    @classmethod
    def of(cls, leader: int) -> Memory:
        workers, others = [], []
        for pid in tree.members(leader):
            title = Path(f"/proc/{pid}/cmdline").read_bytes()
            (workers if b"[" in title else others).append(pid)
        pss = tree.memory(workers)
        rest = tree.memory(others)
        return cls(pss / len(workers), mean(map(tree.own_memory, workers)), rest, pss + rest)


class Stage:
    """The servers, with rows and objects for this number of jobs."""

    def __init__(self, jobs: int) -> None:
        self.redis, self.postgres, self.s3 = BenchServer(), _Postgres(), S3Server()
        self.openai = OpenAIServer(latency=_CALL)
        self._jobs = jobs

    @contextmanager
    def running(self) -> Iterator[None]:
        with running(self.redis, self.postgres, self.s3, self.openai):
            with Database(self.postgres.url).transaction() as cursor:
                create_missing(cursor)
                add_interview(cursor)
                cursor.execute(
                    'INSERT INTO interview_recordings ("id", "interviewId", "userId", filename, "mimeType") '
                    "SELECT 'r' || number, 'i1', 'u1', 'r1.wav', 'audio/wav' "
                    "FROM generate_series(2, %s) AS number",
                    [self._jobs],
                )
                cursor.execute(
                    'INSERT INTO interview_questions ("id", "interviewId", "order", question) '
                    "SELECT 'q' || number, 'i1', number, 'What is an index?' "
                    "FROM generate_series(2, %s) AS number",
                    [self._jobs],
                )
            s3 = self.s3.client()
            s3.create_bucket(Bucket=_BUCKET)
            sound = Wav(os.urandom(64_000), 16_000).wav_bytes("An index makes it faster to find rows.")
            s3.put_object(Bucket=_BUCKET, Key="r1.wav", Body=sound)
            yield


def row(kind: Kind, workers: int, stage: Stage, variables: Mapping[str, str]) -> list[str]:
    """Return one row of the table."""
    redis = client(stage.redis.url, timeout=60)
    redis.flushdb()
    queue = Queue(kind.queue, redis)
    with _program(kind, workers, stage, variables) as leader:
        eventually(lambda: redis.info("clients")["blocked_clients"] >= workers, deadline=120)
        time.sleep(1)
        idle = Memory.of(leader)
        first = 1
        for done in (workers, 2 * workers):
            queue.enqueue_many(NewJob(kind.job(first + number)) for number in range(workers))
            first += workers
            eventually(lambda: queue.counts().active == workers, deadline=60)
            time.sleep(_REACHED)
            busy = Memory.of(leader)
            eventually(lambda done=done: queue.statistics().get("completed", 0) >= done, deadline=180)
    return [
        kind.name,
        str(workers),
        f"{busy.worker:.1f}",
        f"{busy.own:.1f}",
        f"{idle.worker:.1f} ({idle.own:.1f})",
        f"{busy.others:.1f}",
        f"{busy.total:.0f}",
    ]


@contextmanager
def _program(kind: Kind, workers: int, stage: Stage, variables: Mapping[str, str]) -> Iterator[int]:
    name = kind.queue.upper()
    environment = {
        **os.environ,
        "REDIS_URL": stage.redis.url,
        "DATABASE_URL": stage.postgres.url,
        "S3_ENDPOINT": stage.s3.endpoint,
        "S3_BUCKET": _BUCKET,
        "S3_ACCESS_KEY_ID": "test",
        "S3_SECRET_ACCESS_KEY": "test",
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": stage.openai.base_url,
        "NO_PROXY": "127.0.0.1",
        "LOG_LEVEL": "warning",
        "QUEUES": kind.queue,
        f"{name}_CONCURRENCY": str(workers),
        f"{name}_RATE_LIMIT": "1000000/1",
        **kind.variables,
        **variables,
    }
    with tempfile.TemporaryDirectory() as folder:  # without a .env
        process = subprocess.Popen(
            [sys.executable, "-m", "preppath_workers"], cwd=folder, env=environment, start_new_session=True
        )
        try:
            yield process.pid
        finally:
            tree.end(process)


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.bench.busy", description=__doc__)
    parser.add_argument("--workers", type=int, default=20, help="of each queue in turn (20)")
    parser.add_argument("--only", default="", metavar="NAME", help="queues whose name contains this")
    parser.add_argument("--tls", action="store_true", help="reach OpenAI over TLS")
    parser.add_argument("--mortal", action="store_true", help="with IMMORTAL_OBJECTS=off")
    args = parser.parse_args()
    stage = Stage(2 * args.workers)
    print(report.heading(HEADINGS), flush=True)
    with stage.running(), TlsProxy(stage.openai.port).running() as proxy:
        variables = {
            **(proxy.variables if args.tls else {}),
            **({"IMMORTAL_OBJECTS": "off"} if args.mortal else {}),
        }
        for kind in KINDS:
            if args.only in kind.name:
                print(report.row(row(kind, args.workers, stage, variables)), flush=True)
    return 0


if __name__ == "__main__":
    run_tool(main)
