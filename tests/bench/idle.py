"""`python -m tests.bench.idle`: the real program, started as users start it, without jobs.

Measures how soon its workers wait for jobs, what the program and Redis use while they wait, and how long its
modules take to import.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from redis import Redis

from preppath_workers.store.connections.connection import client
from tests.support import report
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.servers import running
from tests.support.tool import run_tool
from tests.support.waiting import eventually

from . import server, tree
from .server import BenchServer, version

_WORKERS = 10

#: The queues of two ways to start it: all in one process tree, or one. All three have ten workers together.
UNITS = (("transcription", "tts", "evaluation"), ("evaluation",))

#: The imports of: a producer; any command; one that reads queues; a supervisor, by the services of its
#: queues.
_PARTS = (
    "preppath_workers.queue",
    "preppath_workers.cli.program",
    "preppath_workers.cli.queues",
    *(
        f"preppath_workers.clients.{name}"
        for name in ("openai.client", "s3.client", "postgres.client", "webhook")
    ),
)

#: Libraries that the table lists separately.
_LIBRARIES = ("redis", "openai", "boto3", "psycopg2", "requests")

HEADINGS = (
    "workers of",
    "wait for jobs after",
    "CPU of one core",
    "Redis: CPU, commands/s, reads/s",
    "MiB (PSS), janitor and supervisor included",
)


def main() -> int:
    ArgumentParser(prog="python -m tests.bench.idle", description=__doc__).parse_args()
    redis_server = BenchServer()
    with running(redis_server):
        redis = client(redis_server.url)
        print(f"{version(redis)}, {_WORKERS} workers\n\n{report.heading(HEADINGS)}")
        for queues in UNITS:
            print(report.row(row(redis, redis_server.url, queues)))
            redis.flushall()
    print(f"\n{report.heading(['import of', 'ms', 'of them'])}")
    for part in _PARTS:
        times = imports(part)
        libraries = [f"{name} {times[name]:.0f}" for name in _LIBRARIES if name in times]
        print(report.row([f"`{part}`", f"{times[part]:.0f}", ", ".join(libraries)]))
    return 0


def row(redis: Redis, url: str, queues: Sequence[str], rest: float = 3.0, seconds: float = 30.0) -> list[str]:
    """Return one row of the table: usage over `seconds`, measured `rest` seconds after the start."""
    began = time.monotonic()
    with _program(url, queues) as leader:
        eventually(lambda: redis.info("clients")["blocked_clients"] >= _WORKERS, deadline=30)
        ready = time.monotonic() - began
        time.sleep(rest)
        pids = tree.members(leader)
        before, server_before = tree.cpu(pids), server.usage(redis)
        time.sleep(seconds)
        after, server_after = tree.cpu(pids), server.usage(redis)
        memory = tree.memory(pids)
    commands = (server_after.commands - server_before.commands) / seconds
    reads = (server_after.reads - server_before.reads) / seconds
    server_share = (server_after.cpu - server_before.cpu) / seconds / 1000
    return [
        ", ".join(queues),
        f"{ready:.2f} s",
        f"{(after - before) / seconds / 1000:.2%}",
        f"{server_share:.2%}, {commands:.1f}, {reads:.1f}",
        f"{memory:.0f}",
    ]


@contextmanager
def _program(url: str, queues: Sequence[str]) -> Iterator[int]:
    variables = {**os.environ, **MINIMAL_ENV, "REDIS_URL": url, "QUEUES": ",".join(queues)}
    if len(queues) == 1:
        variables[f"{queues[0].upper()}_CONCURRENCY"] = str(_WORKERS)
    command = [sys.executable, "-m", "preppath_workers"]
    with tempfile.TemporaryDirectory() as folder:  # without a .env
        process = subprocess.Popen(
            command, cwd=folder, env=variables, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield process.pid
        finally:
            tree.end(process)


def imports(module: str) -> Mapping[str, float]:
    """Return the ms that each module took to import, its own imports included, from the output of
    `-X importtime`: `import time: self [us] | cumulative | name`."""
    output = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"import {module}"],
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    ).stderr
    lines = [line.split("|") for line in output.splitlines() if line.count("|") == 2]
    return {name.strip(): int(cumulative) / 1000 for _, cumulative, name in lines[1:]}


if __name__ == "__main__":
    run_tool(main)
