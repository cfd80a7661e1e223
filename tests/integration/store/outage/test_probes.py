"""A queue out of service: when the next probe starts, which job it is, and what reopens the queue."""

from __future__ import annotations

import pytest

from ..redis_state import NOW, RedisState
from .steps import (
    CEILING,
    add,
    complete,
    complete_others,
    counted,
    fail,
    gate,
    start,
    start_and_fail,
    suspects,
)


def test_claim_before_the_probe_is_due_waits(closed: RedisState) -> None:
    add(closed, "d")
    assert start(closed, now=NOW + 1) == ["wait", 999]
    assert closed.read()["wait"] == ["d"]
    assert start(closed, now=NOW + 1_000) == ["job", "d"]


def test_claim_during_a_probe_waits(closed: RedisState) -> None:
    add(closed, "d", "e")
    start(closed, now=NOW + 1_000)
    assert start(closed, slot=1, now=NOW + 1_001) == ["wait", 1_000]
    assert start(closed, slot=1, now=NOW + 1_000 + CEILING) == ["job", "d"]


def test_probe_interval_doubles_up_to_the_ceiling(closed: RedisState) -> None:
    ids = [f"d{number}" for number in range(7)]
    add(closed, *ids)
    now, pauses = NOW + 1_000, []
    for _ in ids:
        (answer, job_id) = start(closed, now=now)
        assert answer == "job"
        fail(closed, str(job_id), now=now)
        pauses.append(gate(closed)["probeAt"] - now)
        now = gate(closed)["probeAt"]
    assert pauses == [2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]
    assert counted(closed, ids) == [(0, 1)] * 7


def test_probe_after_a_failed_probe_is_another_job(closed: RedisState) -> None:
    closed.call("prioritize", "a", 1)
    for job_id in "abc":
        closed.call("promote_job", job_id)
    now, probed = NOW, []
    for _ in range(6):
        now = gate(closed)["probeAt"]
        (_, job_id) = start(closed, now=now)
        probed.append(job_id)
        fail(closed, str(job_id), now=now)
        closed.call("promote_job", job_id)
    assert sorted(probed[:3]) == ["a", "b", "c"]
    assert probed[3:] == probed[:3]


def test_probes_alternate_between_both_ends_of_the_queue(closed: RedisState) -> None:
    add(closed, *"defghi")
    now, probed = NOW, []
    for _ in range(5):
        now = gate(closed)["probeAt"]
        (_, job_id) = start(closed, now=now)
        probed.append(job_id)
        fail(closed, str(job_id), now=now)
    assert probed == ["i", "d", "h", "e", "g"]


def test_probe_prefers_a_job_that_has_not_met_the_outage(closed: RedisState) -> None:
    closed.call("prioritize", "a", 1)
    closed.call("promote_job", "a")
    add(closed, "new", priority=100)
    assert start(closed, now=NOW + 1_000) == ["job", "new"]


@pytest.mark.parametrize("kind", ["service", "paid", "unknown", "machine"])
def test_probe_prefers_a_job_that_has_never_failed(queue: RedisState, kind: str) -> None:
    add(queue, "failed", "a", "b", "c", "good")
    start_and_fail(queue, "failed", kind)
    complete_others(queue, 1)
    for job_id in "abc":
        start_and_fail(queue, job_id)
    queue.call("promote_job", "failed")
    queue.call("prioritize", "failed", 1)
    assert start(queue, now=NOW + 1_000) == ["job", "good"]


@pytest.mark.parametrize(("probes", "priority", "chosen"), [(0, 100, "last"), (1, 1, "first")])
def test_probe_is_from_the_other_end_if_all_at_one_have_failed(
    closed: RedisState, probes: int, priority: int, chosen: str
) -> None:
    closed.redis.hset(closed.keys.gate, "probes", probes)
    suspects(closed, 120)
    add(closed, "first", "last", priority=priority)
    assert start(closed, now=NOW + 1_000) == ["job", chosen]


def test_outage_found_by_one_job_lets_others_probe_at_once(queue: RedisState) -> None:
    add(queue, "poison")
    start_and_fail(queue, "poison", "refused")
    add(queue, "good", "other", "third")
    assert start(queue) == ["job", "good"]
    assert start(queue, slot=1) == ["job", "other"]
    fail(queue, "other", slot=1)
    assert start(queue, slot=1) == ["wait", 1_000]
    assert complete(queue, "good") == ["reopened"]
    assert start(queue) == ["job", "third"]


def test_completed_probe_reopens_the_queue(closed: RedisState) -> None:
    add(closed, "d")
    start(closed, now=NOW + 1_000)
    assert complete(closed, "d", now=NOW + 1_500) == ["reopened"]
    assert gate(closed) == {}


def test_completion_of_an_earlier_job_leaves_the_queue_closed(queue: RedisState) -> None:
    add(queue, "long", "a", "b", "c")
    start(queue, slot=1)
    for job_id in "abc":
        start_and_fail(queue, job_id)
    assert complete(queue, "long", slot=1) == ["completed"]
    assert gate(queue)["outage"] == 1


def test_invalid_job_as_probe_lets_the_next_probe_start(closed: RedisState) -> None:
    add(closed, "next", "invalid")
    start(closed, now=NOW + 1_000)
    assert fail(closed, "invalid", "invalid", now=NOW + 1_100)[:2] == ["dead", "invalid"]
    assert start(closed, now=NOW + 1_100) == ["job", "next"]


@pytest.mark.parametrize("end", ["release", "recover"])
def test_probe_that_is_requeued_lets_the_next_probe_start(closed: RedisState, end: str) -> None:
    add(closed, "d")
    start(closed, now=NOW + 1_000)
    if end == "release":
        closed.call("release", "d", "host:0", 1, 0, "", now=NOW + 1_100)
    else:
        closed.call("recover", "host:0", "1", 3, now=NOW + 1_100)
    assert start(closed, now=NOW + 1_100) == ["job", "d"]


def test_probe_waits_for_the_retry_after_of_the_service(queue: RedisState) -> None:
    add(queue, "a")
    start_and_fail(queue, "a", "refused", at_least=20_000)
    assert gate(queue)["probeAt"] == NOW + 20_000


def test_probe_after_the_clock_was_set_back_is_due(closed: RedisState) -> None:
    earlier = NOW - 900_000
    add(closed, "d")
    assert start(closed, now=earlier) == ["wait", 1_000]
    assert start(closed, now=earlier + 1_000) == ["job", "d"]


def test_failure_after_the_clock_was_set_back_waits_as_long_as_the_probe(queue: RedisState) -> None:
    add(queue, "running", "a", "b", "c")
    assert start(queue, slot=1) == ["job", "running"]
    for job_id in "abc":
        start_and_fail(queue, job_id, at_least=20_000)
    assert fail(queue, "running", slot=1, now=NOW - 900_000)[:2] == ["delayed", 20_000]


def test_probe_may_be_a_raw_push(closed: RedisState) -> None:
    closed.push('{"raw":1}')
    (answer, job_id) = start(closed, now=NOW + 1_000)
    assert answer == "job"
    assert complete(closed, str(job_id), now=NOW + 1_000) == ["reopened"]


def test_resume_makes_the_probe_due(closed: RedisState) -> None:
    add(closed, "d")
    closed.call("resume", now=NOW + 10)
    assert start(closed, now=NOW + 10) == ["job", "d"]


def test_claim_of_a_probe_reads_a_bounded_number_of_entries(closed: RedisState) -> None:
    closed.call("promote_job", "a")
    closed.push(*["malformed"] * 150)
    assert start(closed, now=NOW + 1_000) == ["wait", 1]
    assert closed.redis.llen(closed.keys.dead) == 100
    assert start(closed, now=NOW + 1_001) == ["job", "a"]
