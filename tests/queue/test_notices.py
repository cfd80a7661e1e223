"""The step that ends a job writes the notice of it, where notices are wanted."""

from __future__ import annotations

import json

import pytest

from .bench import NOW, Bench, State
from .failing import failing
from .table import HOST, started

WANTED: State = {
    **HOST,
    "meta": {"notices": NOW + 1},
    "active": {"host:0": ["a"]},
    "jobs": {"a": started(replays=2)},
}


def notices(bench: Bench) -> list[dict[str, object]]:
    return [json.loads(notice) for notice in bench.read().get("outbox", [])]


def noticed(event: str) -> list[dict[str, object]]:
    return [{"id": "a", "event": event, "replays": 2, "at": NOW}]


def test_a_job_that_completed(bench: Bench) -> None:
    bench.write(WANTED)
    for _ in range(2):
        bench.call("complete", "a", "host:0", 1, "{}", 60_000, 10)
        assert notices(bench) == noticed("completed")


def test_a_job_that_failed_for_good(bench: Bench) -> None:
    bench.write(WANTED)
    for _ in range(2):
        bench.call("retry", "a", "host:0", 1, *failing("{}", "invalid", 3, 1_000, 0))
        assert notices(bench) == noticed("failed")


def test_a_job_that_lost_its_last_worker(bench: Bench) -> None:
    bench.write(WANTED)
    bench.call("recover", "host:0", "1", 0)
    assert notices(bench) == noticed("failed")


def test_an_entry_that_is_no_job(bench: Bench) -> None:
    bench.write({"meta": {"notices": NOW + 1}})
    bench.push("nonsense")
    bench.call("promote", 10)
    assert [notice["event"] for notice in notices(bench)] == ["failed"]


@pytest.mark.parametrize("call", [("retry", *failing()), ("release", 0, "")])
def test_none_of_a_job_that_goes_on(bench: Bench, call: tuple[str | int, ...]) -> None:
    bench.write(WANTED)
    name, *rest = call
    bench.call(str(name), "a", "host:0", 1, *rest)
    assert notices(bench) == []


def test_none_where_nobody_wants_them(bench: Bench) -> None:
    bench.write({name: part for name, part in WANTED.items() if name != "meta"})
    bench.call("complete", "a", "host:0", 1, "{}", 60_000, 10)
    assert notices(bench) == []


def test_none_when_those_who_wanted_them_are_gone(bench: Bench) -> None:
    bench.write({**WANTED, "meta": {"notices": NOW}})
    bench.call("complete", "a", "host:0", 1, "{}", 60_000, 10)
    assert notices(bench) == []


def test_whoever_wants_them_says_so_with_every_heartbeat_and_nobody_else_takes_it_back(bench: Bench) -> None:
    bench.call("heartbeat", "host", 15_000, 1, 1, 0, 0, 0)
    bench.call("heartbeat", "other", 15_000, 1, 0, 0, 0, 0)
    assert bench.read()["meta"] == {"notices": NOW + 60_000}


def test_queue_that_goes_out_of_service_and_comes_back_is_told(bench: Bench) -> None:
    bench.write(WANTED)
    bench.call("retry", "a", "host:0", 1, *failing(kind="refused", service="openai", words="401"))
    bench.call("hasten", "a")
    bench.call("claim", "host", 0, 15_000, 0, 0, 30_000, now=NOW + 1_000)
    bench.call("resume", now=NOW)
    bench.redis.hset(bench.keys.meta, "notices", NOW + 60_000)
    bench.call("claim", "host", 0, 15_000, 0, 0, 30_000)
    bench.call("complete", "a", "host:0", 2, "{}", 60_000, 10)
    told = [notice for notice in notices(bench) if "id" not in notice]
    common = {"service": "openai", "reason": "401", "at": NOW}
    assert told == [{"event": "out-of-service", **common}, {"event": "in-service", **common}]
