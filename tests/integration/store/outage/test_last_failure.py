"""The last allowed failure of a job, which counts only while the service works for other jobs."""

from __future__ import annotations

import pytest

from ..redis_state import NOW, RedisState
from .steps import add, complete, complete_others, counted, fail, start, start_and_fail, suspects


def test_failure_of_a_job_after_others_reopened_the_queue_counts(
    queue: RedisState,
) -> None:
    add(queue, "poison")
    for _ in range(4):
        start_and_fail(queue, "poison")
    add(queue, "good")
    start(queue, now=NOW + 1_000)
    complete(queue, "good", now=NOW + 1_000)
    replies = [start_and_fail(queue, "poison", now=NOW + 2_000)[2:] for _ in range(3)]
    assert replies == [["counted", "open"]] * 3
    complete_others(queue, 4)
    assert start_and_fail(queue, "poison", now=NOW + 3_000) == ["dead", "retries", "counted", "open"]


def test_job_out_of_service_for_too_long_is_a_dead_letter(closed: RedisState) -> None:
    add(closed, "d")
    start(closed, now=NOW + 1_000)
    fail(closed, "d", now=NOW + 1_000, patience=60_000)
    closed.call("promote_job", "d", now=NOW + 62_000)
    start(closed, now=NOW + 62_000)
    reply = fail(closed, "d", now=NOW + 62_000, patience=60_000)
    assert reply == ["dead", "out-of-service", "excused", "open"]


def test_replay_removes_the_fields_of_outages(queue: RedisState) -> None:
    add(queue, "a")
    start_and_fail(queue, "a", "refused")
    queue.call("promote_job", "a")
    start(queue, now=NOW + 1_000)
    fail(queue, "a", "permanent", now=NOW + 1_000)
    queue.call("replay", "a")
    assert not {"outage", "probe", "excused", "failingSince"} & queue.read()["jobs"]["a"].keys()


def test_last_failure_is_excused_until_others_complete(queue: RedisState) -> None:
    (unlucky,) = suspects(queue, 1)
    for _ in range(3):
        assert start_and_fail(queue, unlucky)[2:] == ["counted", "open"]
    complete_others(queue, 3)
    assert start_and_fail(queue, unlucky) == ["delayed", 8_000, "excused", "open"]
    assert counted(queue, [unlucky]) == [(3, 1)]


def test_last_failure_is_excused_while_others_fail_as_often(queue: RedisState) -> None:
    unlucky, *others = suspects(queue, 6)
    for _ in range(3):
        start_and_fail(queue, unlucky)
    for job_id in others:
        start_and_fail(queue, job_id)
    complete_others(queue, 20)
    assert start_and_fail(queue, unlucky)[2:] == ["excused", "open"]
    complete_others(queue, 4)
    assert start_and_fail(queue, unlucky) == ["dead", "retries", "counted", "open"]


def test_last_failure_is_excused_twelve_times_at_most(queue: RedisState) -> None:
    (poison,) = suspects(queue, 1)
    replies = [start_and_fail(queue, poison) for _ in range(16)]
    assert [reply[2] for reply in replies] == ["counted"] * 3 + ["excused"] * 12 + ["counted"]
    assert [reply[1] for reply in replies[3:15]] == [8_000, 16_000] + [30_000] * 10
    assert replies[-1][:2] == ["dead", "retries"]


def test_excused_last_failure_is_not_excused_again_by_an_outage(queue: RedisState) -> None:
    (unlucky,) = suspects(queue, 1)
    for _ in range(3):
        start_and_fail(queue, unlucky)
    complete_others(queue, 3)
    assert start_and_fail(queue, unlucky)[2:] == ["excused", "open"]
    add(queue, "a", "b", "c")
    assert [start_and_fail(queue, job_id)[3] for job_id in "abc"] == ["open", "open", "closed"]
    assert counted(queue, [unlucky]) == [(3, 1)]


@pytest.mark.parametrize("since", ["paid", None])
def test_failures_before_a_replay_are_not_excused_by_an_outage(queue: RedisState, since: str | None) -> None:
    (unlucky,) = suspects(queue, 1)
    for kind in ("service", "service", "service", "paid"):
        last = start_and_fail(queue, unlucky, kind)
    assert last[:2] == ["dead", "retries"]
    queue.call("replay", unlucky)
    queue.call("prioritize", unlucky, 60)
    if since:
        start_and_fail(queue, unlucky, since)
    add(queue, "a", "b", "c")
    assert [start_and_fail(queue, job_id)[3] for job_id in "abc"] == ["open", "open", "closed"]
    assert counted(queue, [unlucky]) == [(1 if since else 0, 0)]


def test_last_failure_that_may_be_paid_is_a_dead_letter(queue: RedisState) -> None:
    add(queue, "endless")
    for _ in range(3):
        start_and_fail(queue, "endless", "paid")
    assert start_and_fail(queue, "endless", "paid") == ["dead", "retries", "counted", "open"]
