"""The command line and the job that all systems share.

    python -m tests.bench.peers.huey work 10           # run 10 worker processes until killed
    python -m tests.bench.peers.huey add 1000 [--bulk] # add jobs; print the seconds that it took
    python -m tests.bench.peers.huey latency 300       # add jobs one by one to idle workers; print ms

`REDIS_URL` names the server, `BENCH_BOARD` the file of counters, `BENCH_PROCESSES` the number of processes
that must be ready before the first job runs, `BENCH_RECORD` a file that records each run instead.
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

#: The data of a job beside its id: some 220 bytes of JSON in all.
_QUESTION = "What is the difference between a process and a thread, and when would you choose which? " * 2

#: The first jobs whose latency is measured, and not counted.
_UNCOUNTED = 5

Add = Callable[[dict[str, Any]], Awaitable[None] | None]
AddMany = Callable[[Sequence[dict[str, Any]]], Awaitable[None] | None]


def data(number: int, seconds: float) -> dict[str, Any]:
    return {"id": f"j{number}", "seconds": seconds, "question": _QUESTION}


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Run the job: count it, and sleep for its `seconds`; or wait for an HTTP answer."""
    if url := os.environ.get("BENCH_WAIT_URL"):
        message = {"role": "user", "content": job["question"]}
        _openai(os.getpid(), url).chat.completions.create(model="any", messages=[message])
    elif record := os.environ.get("BENCH_RECORD"):
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


@cache
def _openai(_pid: int, url: str) -> Any:
    from openai import OpenAI  # the peers' environments have it

    return OpenAI(base_url=url, api_key="sk-none", max_retries=0)


def _write(record: str, what: str, job: dict[str, Any]) -> None:
    with Path(record).open("ab", buffering=0) as file:
        file.write(f"{what} {job['id']} {os.getpid()} {time.monotonic():.4f}\n".encode())


_making = threading.Lock()


def _place(pid: int) -> tuple[Place, threading.Lock]:
    with _making:  # the threads of a process must not create two places
        return _places(pid)


@cache
def _places(pid: int) -> tuple[Place, threading.Lock]:
    path, processes = os.environ["BENCH_BOARD"], os.environ.get("BENCH_PROCESSES", "1")
    return Place(Path(path), int(processes)), threading.Lock()


def at_once(default: int) -> int:
    """Return how many jobs a process runs at a time."""
    return int(os.environ.get("BENCH_AT_ONCE", default))


def load_libraries() -> None:
    """Import what PrepPath's workers need, if memory is measured, together with the tasks, as applications
    do."""
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
        await _done(add_many([data(0, 0.0)]))  # connects; one job more among thousands doesn't matter
    began = time.monotonic()
    if args.bulk:
        await _done(add_many(jobs))
    else:
        for job in jobs:
            await _done(add(job))
    return time.monotonic() - began


async def _latency(add: Add, jobs: int) -> list[float]:
    """Return the ms from just before each job is added to the start of its run.

    The first jobs are not counted: they show what the producer's own start costs, not the queue.
    """
    board = Board(Path(os.environ["BENCH_BOARD"]))
    await _done(add(data(jobs, 0.0)))  # connects
    await asyncio.sleep(0.1)
    found = []
    for number in range(_UNCOUNTED + jobs):
        known = board.begun()
        began = time.monotonic_ns()
        await _done(add(data(number, 0.0)))
        while board.begun() == known or board.ended() == known:
            await asyncio.sleep(0.002)
        found.append((max(cell.last_begin for cell in board.cells()) - began) / 1e6)
        await asyncio.sleep(0.005)
    return found[_UNCOUNTED:]


async def _done(result: Awaitable[None] | None) -> None:
    if inspect.isawaitable(result):
        await result


def fork_all(processes: int, body: Callable[[], object]) -> None:
    """Run `body` in that many processes until the first of them ends."""
    for _ in range(processes):
        if os.fork() == 0:
            body()
            os._exit(0)
    os.wait()
