"""`python -m tests.bench --in-flight`: what a hundred jobs cost while they wait for HTTP answers.

Each job calls OpenAI's SDK (`fetch` on Node), and the answer comes after some seconds.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from redis import Redis

from tests.support import report

from . import tree
from .systems import LIBRARIES, OURS, PEERS, System
from .waiting_server import WaitingServer

HEADINGS = (
    "system",
    "workers",
    "in flight at once",
    "MiB (PSS) meanwhile",
    "CPU, s (start included)",
    "Redis connections",
    "first request to last answer, s",
)

#: Seconds until all jobs must be done, and between two looks.
_PATIENCE, _LOOK = 300.0, 0.1

#: Peers that can run all jobs at once; rq needs a process for each.
_PEERS = ("rq", "celery", "dramatiq", "saq", "bullmq (Node)")


def systems() -> Sequence[System]:
    """Return the systems that are compared: ours, and those peers that can run many jobs at once."""
    return [OURS, *(peer for peer in PEERS if peer.name in _PEERS)]


def row(system: System, redis: Redis, url: str, jobs: int = 100, seconds: float = 5.0) -> list[str]:
    """Return one row of the table. Raises TimeoutError if the jobs do not end."""
    redis.flushdb()
    one_each = system.name in (OURS.name, "rq")
    processes = jobs if one_each else 1
    system.ask(url, "add", str(jobs), "--bulk")
    with WaitingServer(seconds).running() as server, tempfile.TemporaryDirectory() as folder:
        variables = {
            "BENCH_BOARD": str(Path(folder) / "board"),
            "BENCH_WAIT_URL": server.url,
            **({} if one_each else {"BENCH_AT_ONCE": str(jobs)}),
            "BENCH_LIBRARIES": "" if system.is_node else LIBRARIES,
        }
        process = replace(system, environment={}).start(processes, url, **variables)
        try:
            memory, connections = 0.0, 0
            end = time.monotonic() + _PATIENCE
            while server.answered < jobs:
                if time.monotonic() > end:
                    raise TimeoutError(
                        f"{system.name}: {server.answered} of {jobs} jobs within {_PATIENCE:g} s"
                    )
                time.sleep(_LOOK)
                if server.in_flight >= min(jobs, server.most_in_flight) > 0:
                    memory = max(memory, tree.memory(tree.members(process.pid)))
                    connections = max(connections, int(redis.info("clients")["connected_clients"]) - 1)
            cpu = tree.cpu(tree.members(process.pid)) / 1000
        finally:
            tree.end(process)
    return [
        system.name,
        f"{processes} processes" if one_each else f"1 process, {jobs} at a time",
        str(server.most_in_flight),
        f"{memory:.0f}",
        f"{cpu:.1f}",
        str(connections),
        f"{server.last_at - server.first_at:.1f}",
    ]


def print_table(redis: Redis, url: str, chosen: Sequence[System]) -> None:
    print(report.heading(HEADINGS), flush=True)
    for system in chosen:
        try:
            print(report.row(row(system, redis, url)), flush=True)
        except TimeoutError as error:
            print(error, flush=True)
