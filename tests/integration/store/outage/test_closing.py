"""When failures close the queue, and which of them count against a job."""

from __future__ import annotations

import pytest

from ..redis_state import NOW, RedisState
from ..state_table import waiting
from .steps import add, complete, counted, fail, gate, start, start_and_fail, suspects


def test_service_failure_of_one_job_is_retried_and_counted(queue: RedisState) -> None:
    add(queue, "a")
    assert start_and_fail(queue, "a") == ["delayed", 1_000, "counted", "open"]
    assert start_and_fail(queue, "a") == ["delayed", 2_000, "counted", "open"]
    assert counted(queue, "a") == [(2, 0)]


def test_service_failures_of_three_jobs_close_the_queue_and_are_excused(queue: RedisState) -> None:
    add(queue, "a", "b", "c")
    start_and_fail(queue, "a")
    start_and_fail(queue, "a")
    start_and_fail(queue, "b")
    assert counted(queue, "ab") == [(2, 0), (1, 0)]
    assert start_and_fail(queue, "c") == ["delayed", 1_000, "excused", "closed"]
    assert counted(queue, "abc") == [(0, 2), (0, 1), (0, 1)]
    assert [job["attempts"] for job in queue.read()["jobs"].values()] == [0, 0, 0]
    assert gate(queue) == {
        "service": "openai",
        "outOfService": 503,
        "outOfServiceSince": NOW,
        "outage": 1,
        "tried": 3,
        "probeAt": NOW + 1_000,
        "probeSetAt": NOW,
        "failedProbes": 0,
    }


def test_completion_between_failures_ends_the_streak(queue: RedisState) -> None:
    add(queue, "a", "b", "good", "c")
    start_and_fail(queue, "a")
    start_and_fail(queue, "b")
    start(queue)
    complete(queue, "good")
    assert gate(queue) == {}
    assert start_and_fail(queue, "c") == ["delayed", 1_000, "counted", "open"]


def test_last_failure_in_a_streak_of_one_job_closes_the_queue(queue: RedisState) -> None:
    add(queue, "a")
    for _ in range(3):
        start_and_fail(queue, "a")
    assert start_and_fail(queue, "a") == ["delayed", 1_000, "excused", "closed"]
    assert counted(queue, "a") == [(0, 4)]


def test_refusal_of_every_request_closes_the_queue_at_once(queue: RedisState) -> None:
    add(queue, "a")
    assert start_and_fail(queue, "a", "refused", words="401") == ["delayed", 1_000, "excused", "closed"]
    assert counted(queue, "a") == [(0, 1)]


def test_paid_failures_of_three_jobs_close_the_queue_and_count(queue: RedisState) -> None:
    add(queue, "a", "b", "c")
    start_and_fail(queue, "a", "paid")
    start_and_fail(queue, "b", "paid")
    assert start_and_fail(queue, "c", "paid") == ["delayed", 1_000, "counted", "closed"]
    assert counted(queue, "abc") == [(1, 0)] * 3


def test_paid_failure_while_out_of_service_counts(closed: RedisState) -> None:
    add(closed, "d")
    start(closed, now=NOW + 1_000)
    assert fail(closed, "d", "paid", now=NOW + 1_000)[2] == "counted"
    assert counted(closed, "d") == [(1, 0)]


def test_unknown_error_of_five_jobs_in_a_row_closes_the_queue(queue: RedisState) -> None:
    add(queue, *"abcde")
    for job_id in "abcd":
        assert start_and_fail(queue, job_id, "unknown", service="")[3] == "open"
    assert start_and_fail(queue, "e", "unknown", service="")[2:] == ["excused", "closed"]
    assert counted(queue, "abcde") == [(0, 1)] * 5


def test_unknown_error_of_jobs_with_the_same_data_counts(queue: RedisState) -> None:
    add(queue, *"abcdef", data="{}")
    for job_id in "abcdef":
        assert start_and_fail(queue, job_id, "unknown")[2:] == ["counted", "open"]


def test_unknown_errors_that_differ_leave_the_queue_open(queue: RedisState) -> None:
    add(queue, *"abcdef")
    for number, job_id in enumerate("abcdef"):
        assert start_and_fail(queue, job_id, "unknown", words=("boom", "bang")[number % 2])[3] == "open"


@pytest.mark.parametrize(
    "words",
    [
        "cannot read row 1{0} of /tmp/tmp{0}x1: no space",
        "KeyError: '{0}'",
        'no user "{0}"',
        "ConnectionError: Pool(host='h', port=443), url: /images/{0} (<Connection at 0x7f{0}0>: refused)",
    ],
)
def test_unknown_errors_that_differ_in_ids_and_numbers_are_the_same(queue: RedisState, words: str) -> None:
    add(queue, *"abcdef")
    for job_id in "abcd":
        assert start_and_fail(queue, job_id, "unknown", service="", words=words.format(job_id))[3] == "open"
    reply = start_and_fail(queue, "e", "unknown", service="", words=words.format("e"))
    assert reply[2:] == ["excused", "closed"]
    assert gate(queue)["outOfService"] == words.format("e"), "the reason is shown as it is"
    start(queue, now=NOW + 1_000)
    assert fail(queue, "f", "unknown", service="", words=words.format("f"), now=NOW + 1_000)[2] == "excused"


def test_unknown_error_of_one_job_ends_as_a_dead_letter(queue: RedisState) -> None:
    add(queue, "a")
    for _ in range(3):
        start_and_fail(queue, "a", "unknown")
    assert start_and_fail(queue, "a", "unknown") == ["dead", "retries", "counted", "open"]


def test_failures_of_ten_jobs_that_met_an_outage_close_the_queue_again(queue: RedisState) -> None:
    ids = [f"j{number}" for number in range(10)]
    met = {job_id: waiting(data=f'{{"of":"{job_id}"}}', outage=1, probe=1) for job_id in ids}
    queue.write({"wait": ids[::-1], "priority_index": {ids[-1]: 50}, "jobs": met, "stats": {"outages": 1}})
    for job_id in ids[:9]:
        assert start_and_fail(queue, job_id)[3] == "open"
    assert start_and_fail(queue, ids[9])[3] == "closed"
    assert counted(queue, ids) == [(0, 1)] * 10


def test_machine_failure_is_excused_and_leaves_the_queue_open(queue: RedisState) -> None:
    add(queue, *"abcd")
    for job_id in "abcd":
        assert start_and_fail(queue, job_id, "machine") == ["delayed", 1_000, "excused", "open"]
    assert counted(queue, "abcd") == [(0, 1)] * 4
    assert gate(queue) == {}
    assert queue.read()["instance"]["host"]["troubleAt"] == NOW


def test_machine_failures_of_one_job_delay_it_longer_each_time(queue: RedisState) -> None:
    """It may need more than any machine has: the others must not wait for it."""
    add(queue, "a")
    delays = [start_and_fail(queue, "a", "machine")[1] for _ in range(7)]
    assert delays == [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
    assert counted(queue, "a") == [(0, 7)]


def test_backoff_with_jitter_is_longer_and_bounded(queue: RedisState) -> None:
    add(queue, "a")
    assert start_and_fail(queue, "a", "unknown", jitter=0.2)[1] == 1_200
    queue.call("promote_job", "a")
    start(queue)
    assert fail(queue, "a", "unknown", longest=1_500)[1] == 1_500


def test_jobs_of_the_streak_stay_delayed(closed: RedisState) -> None:
    assert set(closed.read()["delayed"]) == {"a", "b", "c"}


def test_unknown_error_of_jobs_that_met_an_outage_counts(queue: RedisState) -> None:
    for _ in range(4):
        replies = [start_and_fail(queue, job_id, "unknown") for job_id in suspects(queue, 6)]
        assert {reply[3] for reply in replies} == {"open"}
    assert {reply[0] for reply in replies} == {"dead"}


@pytest.mark.parametrize("kind", ["service", "refused", "unknown"])
def test_failures_of_jobs_that_met_many_outages_leave_the_queue_open(queue: RedisState, kind: str) -> None:
    replies = [start_and_fail(queue, job_id, kind) for job_id in suspects(queue, 12, outages=5)]
    assert {reply[3] for reply in replies} == {"open"}


def test_outage_is_counted_once_per_job(closed: RedisState) -> None:
    add(closed, "d")
    start(closed, now=NOW + 1_000)
    fail(closed, "d", now=NOW + 1_000)
    jobs = closed.read()["jobs"]
    assert [jobs[job_id]["outages"] for job_id in "abcd"] == [1] * 4
