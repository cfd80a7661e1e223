"""The benchmark runs with a few jobs, so that its command keeps working. No figure is judged here."""

from __future__ import annotations

import pytest

from preppath_workers.store.connections.connection import client
from tests.bench import backlog, burst, idle, in_flight, payload, processes
from tests.bench.measure import Measure
from tests.bench.systems import OURS
from tests.support.redis import RedisServer

pytestmark = [pytest.mark.trial, pytest.mark.processes, pytest.mark.timeout(300)]


def test_measure_of_a_few_jobs_has_results() -> None:
    with RedisServer() as server:
        measure = Measure(OURS, server.url, rest=0.1)
        assert measure.throughput(2, 200).rate > 0
        assert len(measure.latency(5)) == 5
        assert measure.enqueue(50, bulk=False) > 0


def test_growth_tables_have_a_value_for_each_heading() -> None:
    with RedisServer() as server:
        small = [
            (backlog, backlog.Backlog(server.url, 1_000)),
            (payload, payload.Payload(server.url, 1_000)),
            (burst, burst.Burst(server.url, 1_000)),
            (processes, processes.Processes(server.url, 2, lease=1.0, rest=0.2, samples=5)),
        ]
        for module, measured in small:
            assert len(measured.row()) == len(module.HEADINGS)


def test_idle_table_has_a_value_for_each_heading() -> None:
    with RedisServer() as server:
        row = idle.row(client(server.url), server.url, ["evaluation"], rest=0.1, seconds=0.5)
    assert len(row) == len(idle.HEADINGS)


def test_in_flight_table_has_a_value_for_each_heading() -> None:
    with RedisServer() as server:
        row = in_flight.row(OURS, client(server.url), server.url, jobs=2, seconds=0.5)
    assert len(row) == len(in_flight.HEADINGS)
