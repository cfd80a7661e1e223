"""The limits: the minimum that a reliable queue must do, without any bookkeeping. RAW_TRIPS is the number of
round trips: 2, BRPOPLPUSH then LREM; or 1, both in one packet."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from redis import Redis

from . import driver

driver.load_libraries()

WAIT, ACTIVE = "bench:wait", "bench:active:"


def work(processes: int) -> None:
    driver.fork_all(processes, _two_trips if os.environ.get("RAW_TRIPS") == "2" else _one_trip)


def _one_trip() -> None:
    connection, active = _connection(), f"{ACTIVE}{os.getpid()}"
    pop = ("BRPOPLPUSH", WAIT, active, "0")
    connection.send_packed_command(connection.pack_commands([pop]))
    while True:
        entry = connection.read_response()
        _work(entry)
        connection.send_packed_command(connection.pack_commands([("LREM", active, "1", entry), pop]))
        connection.read_response()


def _two_trips() -> None:
    connection, active = _connection(), f"{ACTIVE}{os.getpid()}"
    while True:
        connection.send_packed_command(connection.pack_commands([("BRPOPLPUSH", WAIT, active, "0")]))
        entry = connection.read_response()
        _work(entry)
        connection.send_packed_command(connection.pack_commands([("LREM", active, "1", entry)]))
        connection.read_response()


def _work(entry: str) -> None:
    json.dumps(driver.run(json.loads(entry)))


def _connection() -> Any:
    return Redis.from_url(
        os.environ["REDIS_URL"], decode_responses=True, protocol=2, socket_timeout=None
    ).connection_pool.get_connection()


def _add(job: dict[str, Any]) -> None:
    redis.lpush(WAIT, json.dumps(job))


def _add_many(jobs: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(jobs), 500):
        redis.lpush(WAIT, *map(json.dumps, jobs[start : start + 500]))


if __name__ == "__main__":
    redis = Redis.from_url(os.environ["REDIS_URL"])
    driver.main(_add, _add_many, work)
