"""The command line that all systems share, and the job that all of them run.

    python -m tests.bench.peers.huey work 10           # as many worker processes, until killed
    python -m tests.bench.peers.huey add 1000 [--bulk] # adds jobs; prints the seconds that it took
    python -m tests.bench.peers.huey latency 300       # one after the other into idle workers; prints ms

`REDIS_URL` names the server, `BENCH_BOARD` the file of counters, `BENCH_PROCESSES` for how many processes a
process waits before its first job, `BENCH_RECORD` a file in which each run is written down instead.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import json
import os
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.bench.board import Board, Place

#: What a job carries beside its id: some 220 bytes of JSON in all.
_QUESTION = "What is the difference between a process and a thread, and when would you choose which? " * 2

Add = Callable[[dict[str, Any]], Awaitable[None] | None]
AddMany = Callable[[Sequence[dict[str, Any]]], Awaitable[None] | None]


def data(number: int, seconds: float) -> dict[str, Any]:
    return {"id": f"j{number}", "seconds": seconds, "question": _QUESTION}


def run(job: dict[str, Any]) -> dict[str, Any]:
    """The job: as good as nothing, or a sleep of this many seconds."""
    if record := os.environ.get("BENCH_RECORD"):
        _write(record, "start", job)
        time.sleep(job["seconds"])
        _write(record, "end", job)
    else:
        place, lock = _place(os.getpid())
        with lock:
            place.begin()
        if job["seconds"]:
            time.sleep(job["seconds"])
        with lock:
            place.end()
    return {"ok": True, "score": 7}


def _write(record: str, what: str, job: dict[str, Any]) -> None:
    with Path(record).open("ab", buffering=0) as file:
        file.write(f"{what} {job['id']} {os.getpid()} {time.monotonic():.4f}\n".encode())


_making = threading.Lock()


def _place(pid: int) -> tuple[Place, threading.Lock]:
    with _making:  # some have threads, and all of one process wait for its first job
        return _places(pid)


@cache
def _places(pid: int) -> tuple[Place, threading.Lock]:
    path, processes = os.environ["BENCH_BOARD"], os.environ.get("BENCH_PROCESSES", "1")
    return Place(Path(path), int(processes)), threading.Lock()


def load_libraries() -> None:
    """What PrepPath's workers need, where memory is measured: loaded with the tasks, as applications do."""
    for name in filter(None, os.environ.get("BENCH_LIBRARIES", "").split(",")):
        importlib.import_module(name)


def main(add: Add, add_many: AddMany, work: Callable[[int], object]) -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("work").add_argument("processes", type=int)
    adding = commands.add_parser("add")
    adding.add_argument("jobs", type=int)
    adding.add_argument("--bulk", action="store_true")
    adding.add_argument("--seconds", type=float, default=0.0)
    commands.add_parser("latency").add_argument("jobs", type=int)
    args = parser.parse_args()
    if args.command == "work":
        work(args.processes)
    elif args.command == "add":
        print(asyncio.run(_add(add, add_many, args)))
    else:
        print(json.dumps(asyncio.run(_latency(add, args.jobs))))


async def _add(add: Add, add_many: AddMany, args: argparse.Namespace) -> float:
    jobs = [data(number, args.seconds) for number in range(args.jobs)]
    if args.bulk and not args.seconds:
        await _done(add_many([data(0, 0.0)]))  # connects; one job more does not count among thousands
    began = time.monotonic()
    if args.bulk:
        await _done(add_many(jobs))
    else:
        for job in jobs:
            await _done(add(job))
    return time.monotonic() - began


async def _latency(add: Add, jobs: int) -> list[float]:
    """From just before a job is added to its run's beginning, ms."""
    board = Board(Path(os.environ["BENCH_BOARD"]))
    found = []
    for number in range(jobs):
        known = board.begun()
        began = time.monotonic_ns()
        await _done(add(data(number, 0.0)))
        while board.begun() == known or board.ended() == known:
            await asyncio.sleep(0.002)
        found.append((max(cell.last_begin for cell in board.cells()) - began) / 1e6)
        await asyncio.sleep(0.005)
    return found


async def _done(result: Awaitable[None] | None) -> None:
    if inspect.isawaitable(result):
        await result


def fork_all(processes: int, body: Callable[[], object]) -> None:
    """As many processes that do the same, until the first of them ends."""
    for _ in range(processes):
        if os.fork() == 0:
            body()
            os._exit(0)
    os.wait()
