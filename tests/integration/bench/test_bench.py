"""The benchmark's arithmetic, what it reads of the system, and a few jobs of ours and of the limits, so that
the command can not rot. No figure is judged here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from preppath_workers.store.connection import client
from tests.bench import backlog, burst, figures, idle, payload, processes, tree
from tests.bench.board import Board, Place
from tests.bench.measure import Measure, Throughput
from tests.bench.systems import LIMITS, OURS, System
from tests.support.redis import RedisServer


def run_of(rate: float) -> Throughput:
    return Throughput(rate, client=0.05, redis=0.02, commands=3.0, reads=1.0)


def test_a_row_has_medians_spreads_and_how_many_times_as_fast_ours_is() -> None:
    ours = figures.Figures("ours", throughput={10: [run_of(3_000.0)]})
    peer = figures.Figures("peer", throughput={10: [run_of(1_000.0), run_of(1_600.0), run_of(1_500.0)]})
    row = figures.table([peer], ours).splitlines()[2]
    assert "| 1,500 (1,000–1,600) | 2.00 × | 0.050 + 0.020 | 3.0, 1.0 |" in row


def test_a_system_that_could_not_be_measured_says_why() -> None:
    assert "| peer: there is no npm |" in figures.table(
        [figures.Figures("peer", failure="there is no npm")], figures.Figures("ours")
    )


def test_everything_measured_is_told_as_json() -> None:
    told = figures.as_json(figures.Figures("ours", throughput={2: [run_of(5.0)]}, latency=[1.0]))
    assert told["throughput"]["2"][0]["rate"] == 5.0
    assert told["latency"] == [1.0]


def test_a_place_counts_what_its_process_does(tmp_path: Path) -> None:
    place, board = Place(tmp_path / "board", processes=1), Board(tmp_path / "board")
    place.begin()
    assert (board.begun(), board.ended()) == (1, 0)
    place.end()
    (cell,) = board.cells()
    assert (cell.pid, cell.begun, cell.ended) == (os.getpid(), 1, 1)
    assert cell.first_begin <= cell.last_begin <= cell.last_end


def test_a_tree_is_a_session_with_its_cpu_and_its_memory() -> None:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        assert tree.members(process.pid) == [process.pid]
        assert tree.cpu([os.getpid()]) > 0
        assert 1 < tree.memory([os.getpid()]) < 10_000
    finally:
        tree.end(process)
    assert tree.members(process.pid) == []


@pytest.mark.processes
@pytest.mark.timeout(120)
@pytest.mark.parametrize("system", [OURS, *LIMITS], ids=lambda system: system.name)
def test_a_few_jobs_are_measured(system: System) -> None:
    with RedisServer() as server:
        measure = Measure(system, server.url, rest=0.1)
        assert measure.throughput(2, 200).rate > 0
        assert len(measure.latency(5)) == 5
        assert measure.enqueue(50, bulk=False) > 0


@pytest.mark.processes
def test_each_table_of_growth_has_a_figure_for_each_heading() -> None:
    with RedisServer() as server:
        small = [
            (backlog, backlog.Backlog(server.url, 1_000)),
            (payload, payload.Payload(server.url, 1_000)),
            (burst, burst.Burst(server.url, 1_000)),
            (processes, processes.Processes(server.url, 2, lease=1.0, rest=0.2, samples=5)),
        ]
        for module, measured in small:
            assert len(measured.row()) == len(module.HEADINGS)


@pytest.mark.processes
def test_the_program_at_rest_is_measured() -> None:
    with RedisServer() as server:
        row = idle.row(client(server.url), server.url, ["evaluation"], rest=0.1, seconds=0.5)
    assert len(row) == len(idle.HEADINGS)


def test_imports_are_timed_with_what_they_import() -> None:
    times = idle.imports("preppath_workers")
    assert times["preppath_workers"] > times["redis"] > 0


@pytest.mark.parametrize("module", ["preppath_workers", "preppath_workers.cli.main"])
def test_producers_and_commands_load_no_vendors_library(module: str) -> None:
    assert not {"openai", "boto3", "psycopg2", "requests"} & {*idle.imports(module)}
