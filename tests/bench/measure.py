"""Measures one system on one server, which is emptied first."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from . import server, tree
from .board import Board
from .systems import LIBRARIES, System

#: Seconds within which a system must start, and run its jobs.
_START, _END = 60.0, 120.0

#: Jobs per process before its memory is measured.
_FIRST = 20

#: Seconds of rest between two jobs of `peers.driver` whose start is timed.
_REST = 0.007

#: Seconds between two polls of the board, which holds the exact times itself. Each poll takes CPU time from
#: the system that is measured.
_LOOK = 0.02


@dataclass(frozen=True)
class Throughput:
    """The figures of one run: jobs per second; and per job: CPU of the workers and of the server (ms),
    commands that the server ran, also inside scripts, and its reads from sockets (a pipeline is one)."""

    rate: float
    client: float
    redis: float
    commands: float
    reads: float


class Lost(Exception):
    """Raised when a system did not do its work in time."""


@dataclass(frozen=True)
class Measure:
    """A system on the server at `url`, which has no other clients. Latency and memory are measured `rest`
    seconds after the last job."""

    system: System
    url: str
    rest: float = 2.0

    def throughput(self, processes: int, jobs: int) -> Throughput:
        """Measure the throughput. All jobs are added before; the time runs from when each process has its
        first one."""
        self._empty()
        self._ask("add", str(jobs), "--bulk")
        with self._workers(processes, BENCH_PROCESSES=str(processes)) as (leader, board):
            _until(lambda: len(board.cells()) >= processes, _START, "started")
            pids = tree.members(leader)
            before, server_before = tree.cpu(pids), server.usage(self._redis)
            began = max(cell.first_begin for cell in board.cells())
            _until(lambda: board.ended() >= jobs, _END, "ended its jobs")
            after, server_after = tree.cpu(pids), server.usage(self._redis)
            ended = max(cell.last_end for cell in board.cells())
        return Throughput(
            rate=jobs / ((ended - began) / 1e9),
            client=(after - before) / jobs,
            redis=(server_after.cpu - server_before.cpu) / jobs,
            commands=(server_after.commands - server_before.commands) / jobs,
            reads=(server_after.reads - server_before.reads) / jobs,
        )

    def enqueue(self, jobs: int, *, bulk: bool) -> float:
        """Return the jobs per second that one producer adds."""
        self._empty()
        return jobs / float(self._ask("add", str(jobs), *["--bulk"] * bulk))

    def latency(self, samples: int) -> list[float]:
        """Return the ms from just before a job is added to the start of its handler, with two idle
        processes."""
        self._empty()
        with self._workers(2) as (_, board):
            self._ask("add", "4")
            _until(lambda: board.ended() >= 4, _START, "started")
            time.sleep(self.rest)
            found: list[float] = json.loads(self._ask("latency", str(samples), BENCH_BOARD=str(board.path)))
        return found

    def round_trips(self, samples: int) -> list[float]:
        """Return the ms of round trips to an idle server, each after as long a rest as in `latency`."""
        self._empty()
        connection = self._redis.connection_pool.get_connection()
        found = []
        for _ in range(samples):
            time.sleep(_REST)
            began = time.monotonic_ns()
            connection.send_command("PING")
            connection.read_response()
            found.append((time.monotonic_ns() - began) / 1e6)
        return found

    def memory(self, processes: int, jobs: int) -> tuple[float, float]:
        """Return the MiB (PSS) of the process tree with the vendors' libraries loaded: idle after a few jobs,
        and after `jobs` more per process."""
        self._empty()
        first = processes * _FIRST
        self._ask("add", str(first), "--bulk")
        libraries = "" if self.system.is_node else LIBRARIES
        with self._workers(processes, BENCH_LIBRARIES=libraries) as (leader, board):
            _until(lambda: board.ended() >= first, _START, "started")
            time.sleep(self.rest)
            idle = tree.memory(tree.members(leader))
            self._ask("add", str(processes * jobs), "--bulk")
            _until(lambda: board.ended() >= first + processes * jobs, _END * 5, "ended its jobs")
            time.sleep(self.rest)
            return idle, tree.memory(tree.members(leader))

    @contextmanager
    def recovery(self) -> Iterator[Callable[[], float | None]]:
        """Kill the process that runs a job. Yield a function that returns the seconds until the job started
        again, or None if it has not."""
        self._empty()
        with self._workers(2) as (_, board):
            self._ask("add", "1", "--seconds", "1")
            _until(lambda: board.begun() >= 1, _START, "started")
            time.sleep(0.2)
            (first,) = board.cells()
            killed_at = time.monotonic_ns()
            os.kill(first.pid, signal.SIGKILL)

            def again() -> float | None:
                begun = [cell.last_begin for cell in board.cells() if cell.begun and cell.pid != first.pid]
                return (min(begun) - killed_at) / 1e9 if begun else None

            yield again

    @contextmanager
    def _workers(self, processes: int, **variables: str) -> Iterator[tuple[int, Board]]:
        with tempfile.TemporaryDirectory() as folder:
            board = Board(Path(folder) / "board")
            process = self.system.start(processes, self.url, BENCH_BOARD=str(board.path), **variables)
            try:
                yield process.pid, board
            finally:
                tree.end(process)

    def _ask(self, *words: str, **variables: str) -> str:
        """Return the output of the system's own program. Raises Lost."""
        try:
            return self.system.ask(self.url, *words, **variables)
        except subprocess.CalledProcessError as error:
            raise Lost(
                f"{' '.join(words)}: exit code {error.returncode}, {error.stderr.strip()[-300:]}"
            ) from error

    @property
    def _redis(self) -> Redis:
        return Redis.from_url(self.url, decode_responses=True)

    def _empty(self) -> None:
        self._redis.flushdb()


def _until(condition: Callable[[], bool], deadline: float, step: str) -> None:
    """Wait until the condition holds. Raises Lost."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise Lost(f"it has not {step} within {deadline:g} s")
        time.sleep(_LOOK)
