"""`costs --store`: a row of PostgreSQL for each paid request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg2
import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.clients.postgres.client import Database
from preppath_workers.clients.postgres.cost_rows import store_calls
from preppath_workers.store.cost_rows import store_listed
from preppath_workers.store.reading.spending import by_model
from preppath_workers.store.scripts import Caller

from .conftest import Run

AT = 1_764_000_000_123
SUMS = 'SELECT certainty, count(*), sum("nanoDollars")::bigint FROM preppath_worker_costs GROUP BY 1'
NUMBER_OF_CALLS = 1_200  # more than two pages


class Ledger:
    """Closes calls of a queue, and reads its rows."""

    def __init__(self, queue: Queue, redis: Redis, url: str) -> None:
        self.queue = queue
        self.url = url
        self._call = Caller(redis, queue.keys.base)

    def close(self, *calls: dict[str, Any]) -> None:
        base = {"job": "q1", "model": "m", "kind": "actual", "at": AT, "rows": True}
        for call in calls:
            self._call("close_calls", "q1", json.dumps({**base, **call}))

    def rows(self, query: str = 'SELECT * FROM preppath_worker_costs ORDER BY "id"') -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def listed(self) -> int:
        return int(self.queue.redis.llen(self.queue.keys.cost_rows))


@pytest.fixture
def ledger(run: Run, tts: Queue, redis: Redis, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("LEDGER_ROWS", "true")
    assert "preppath_worker_costs: created" in run("init-db").stdout
    return Ledger(tts, redis, database_url)


def test_costs_with_store_write_a_row_of_each_request_once(run: Run, ledger: Ledger) -> None:
    details = {"user": "Zo\0ë", "attempt": 2, "step": "speech", "tier": "flex", "requestId": "r1"}
    used = {"tokens": {"input": 7}, "reasoning": 3, "seconds": 1.5, "characters": 9}
    ledger.close({"id": "c1", "nano": 250, **details, **used}, {"id": "c2"})
    assert run("costs", "--store").stdout == "tts: 2 rows stored\n"
    at = datetime.fromtimestamp(AT / 1000, UTC).replace(tzinfo=None)
    details = ("q1", 2, "speech", "Zoë", "m", "flex", {"input": 7}, 3, 1.5, 9, "r1", 250, "actual", at)
    nothing = ("q1", None, None, None, "m", None, {}, 0, 0, 0, None, None, "actual", at)
    assert ledger.rows() == [("c1", "tts", *details), ("c2", "tts", *nothing)]
    assert ledger.listed() == 0
    again = run("costs", "--store")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_rows_have_the_sums_of_the_ledger(run: Run, ledger: Ledger) -> None:
    ledger.close(*({"id": f"c{n}", "nano": n, "tokens": {"input": n}} for n in range(NUMBER_OF_CALLS)))
    ledger.close(*({"id": f"u{n}", "kind": "unknown", "nano": n} for n in range(30)))
    run("costs", "--store")
    ledger.close(*({"id": f"u{n}", "nano": 1} for n in range(10)))
    ledger.close(*({"id": f"u{n}", "kind": "void"} for n in range(10, 20)))
    assert run("costs", "--store").stdout == "tts: 20 rows stored\n"
    spent = by_model(ledger.queue)["m"]
    of_kind = {kind: (count, total) for kind, count, total in ledger.rows(SUMS)}
    assert of_kind["actual"] == (spent.calls, spent.nano) == (NUMBER_OF_CALLS + 10, 719_410)
    assert of_kind["unknown"] == (spent.unknown_calls, spent.unknown) == (10, 245)
    assert of_kind["void"] == (10, 0)


def test_costs_with_store_without_ledger_rows_say_that_nothing_is_listed(run: Run, ledger: Ledger) -> None:
    done = run("costs", "--store", LEDGER_ROWS="")
    said = "costs: LEDGER_ROWS is not true, so workers list no requests to store\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", said)


def test_store_that_dies_after_its_commit_stores_the_same_rows_again(run: Run, ledger: Ledger) -> None:
    ledger.close({"id": "c1", "nano": 1}, {"id": "c2", "kind": "unknown", "nano": 9})
    store = partial(store_calls, Database(ledger.url))

    def store_and_die(calls: Sequence[dict[str, Any]]) -> int:
        store(calls)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store_listed(ledger.queue, store_and_die)
    before = ledger.rows()
    assert (len(before), ledger.listed()) == (2, 2)
    assert run("costs", "--store").stdout == ""
    assert (ledger.rows(), ledger.listed()) == (before, 0)


def test_slower_reader_overwrites_no_known_cost_and_removes_nothing_unread(run: Run, ledger: Ledger) -> None:
    ledger.close({"id": "c1", "kind": "unknown", "nano": 9})
    store = partial(store_calls, Database(ledger.url))

    def overtaken(calls: Sequence[dict[str, Any]]) -> int:
        ledger.close({"id": "c1", "nano": 5}, {"id": "c2", "nano": 6})
        assert run("costs", "--store").stdout == "tts: 2 rows stored\n"
        ledger.close({"id": "c3", "nano": 7})
        return store(calls)

    assert store_listed(ledger.queue, overtaken) == 0
    assert [(row[0], row[13]) for row in ledger.rows()] == [("c1", 5), ("c2", 6)]
    assert ledger.listed() == 1


def test_costs_with_store_without_the_table_give_the_reason_and_keep_the_list(
    run: Run, ledger: Ledger
) -> None:
    ledger.close({"id": "c1", "nano": 1})
    with closing(psycopg2.connect(ledger.url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE preppath_worker_costs")
    refused = run("costs", "--store")
    assert refused.returncode == 1
    assert refused.stderr.startswith("costs: cannot store rows of tts: PostgreSQL 42P01: ")
    assert ledger.listed() == 1


def test_entry_that_is_no_request_is_passed_over(run: Run, ledger: Ledger) -> None:
    of_hand = ["[]", '{"id": "c0"}', '{"id": "c0", "at": "now", "kind": "actual"}']
    ledger.queue.redis.rpush(ledger.queue.keys.cost_rows, b"x\xff", *of_hand)
    ledger.close({"id": "c1", "nano": 1})
    stored = run("costs", "--store")
    assert stored.stdout == "tts: 1 row stored\n"
    start = "costs: left out an entry of tts that isn't a request: "
    assert stored.stderr.splitlines() == [start + entry for entry in (r"x\udcff", *of_hand)]
    assert ledger.listed() == 0
