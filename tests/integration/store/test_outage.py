"""Whose failure is it: one that all jobs share counts against none of them, and one job at a time probes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from redis.exceptions import ResponseError

from .failing import failing
from .redis_state import NOW, RedisState, State
from .state_table import HOST, delayed, started, waiting

CEILING = 30_000


def add(redis_state: RedisState, *ids: str, priority: int = 50, data: str | None = None) -> None:
    """Adds waiting jobs, each with data of its own."""
    for job_id in ids:
        redis_state.call("enqueue", job_id, data or f'{{"of":"{job_id}"}}', priority, 0)


def start(redis_state: RedisState, slot: int = 0, now: int = NOW) -> list[object]:
    reply: list[object] = redis_state.call("claim", "host", slot, 10**9, 0, 0, CEILING, now=now)
    return reply


def fail(
    redis_state: RedisState, job_id: str, kind: str = "service", slot: int = 0, now: int = NOW, **more: object
) -> list[object]:
    fencing_token = redis_state.read()["jobs"][job_id]["fencingToken"]
    words = failing(kind=kind, **{"service": "openai", "words": "503", **more})  # type: ignore[arg-type]
    reply: list[object] = redis_state.call("retry", job_id, f"host:{slot}", fencing_token, *words, now=now)
    return reply


def start_and_fail(
    redis_state: RedisState, job_id: str, kind: str = "service", now: int = NOW, **more: object
) -> list[object]:
    redis_state.call("promote_job", job_id, now=now)
    redis_state.call("prioritize", job_id, 1, now=now)
    assert start(redis_state, now=now) == ["job", job_id]
    return fail(redis_state, job_id, kind, now=now, **more)


def complete(redis_state: RedisState, job_id: str, slot: int = 0, now: int = NOW) -> list[object]:
    fencing_token = redis_state.read()["jobs"][job_id]["fencingToken"]
    reply: list[object] = redis_state.call(
        "complete", job_id, f"host:{slot}", fencing_token, "{}", 60_000, 0, now=now
    )
    return reply


def complete_others(redis_state: RedisState, number: int) -> None:
    """Lets so many jobs that were never seen before complete."""
    for _ in range(number):
        job_id = f"other-{redis_state.redis.hget(redis_state.keys.stats, 'enqueued')}"
        add(redis_state, job_id, priority=1)
        assert start(redis_state) == ["job", job_id]
        complete(redis_state, job_id)


def gate(redis_state: RedisState) -> State:
    found: State = redis_state.read().get("gate", {})
    return found


def counted(redis_state: RedisState, ids: Iterable[str]) -> list[tuple[int, int]]:
    """Failures and excused failures of each job."""
    jobs = redis_state.read()["jobs"]
    return [(jobs[job_id].get("failures", 0), jobs[job_id].get("excused", 0)) for job_id in ids]


@pytest.fixture
def queue(redis_state: RedisState) -> RedisState:
    """A queue with one live instance of two slots."""
    redis_state.write(HOST)
    return redis_state


@pytest.fixture
def closed(queue: RedisState) -> RedisState:
    """Out of service since three jobs met a service that failed; the first probe is due at NOW + 1,000."""
    add(queue, "a", "b", "c")
    for job_id in "abc":
        start_and_fail(queue, job_id)
    assert gate(queue)["service"] == "openai"
    return queue


def test_service_failure_of_one_job_is_retried_and_counted(queue: RedisState) -> None:
    add(queue, "a")
    assert start_and_fail(queue, "a") == ["delayed", 1_000, "counted", "open"]
    assert start_and_fail(queue, "a") == ["delayed", 2_000, "counted", "open"]
    assert counted(queue, "a") == [(2, 0)]


def test_service_failures_of_three_jobs_close_the_queue_and_are_given_back(queue: RedisState) -> None:
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


def test_completion_in_between_ends_the_streak(queue: RedisState) -> None:
    add(queue, "a", "b", "good", "c")
    start_and_fail(queue, "a")
    start_and_fail(queue, "b")
    start(queue)
    complete(queue, "good")
    assert gate(queue) == {}
    assert start_and_fail(queue, "c") == ["delayed", 1_000, "counted", "open"]


def test_last_allowed_failure_closes_the_queue_rather_than_to_bury_the_job(queue: RedisState) -> None:
    add(queue, "a")
    for _ in range(3):
        start_and_fail(queue, "a")
    assert start_and_fail(queue, "a") == ["delayed", 1_000, "excused", "closed"]
    assert counted(queue, "a") == [(0, 4)]


def test_refusal_of_everything_closes_the_queue_at_once(queue: RedisState) -> None:
    add(queue, "a")
    assert start_and_fail(queue, "a", "refused", words="401") == ["delayed", 1_000, "excused", "closed"]
    assert counted(queue, "a") == [(0, 1)]


def test_failure_that_may_be_paid_counts_and_helps_to_close(queue: RedisState) -> None:
    add(queue, "a", "b", "c")
    start_and_fail(queue, "a", "paid")
    start_and_fail(queue, "b", "paid")
    assert start_and_fail(queue, "c", "paid") == ["delayed", 1_000, "counted", "closed"]
    assert counted(queue, "abc") == [(1, 0)] * 3


def test_failure_that_may_be_paid_counts_while_out_of_service(closed: RedisState) -> None:
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


def test_unknown_error_of_jobs_with_the_same_data_stays_theirs(queue: RedisState) -> None:
    add(queue, *"abcdef", data="{}")
    for job_id in "abcdef":
        assert start_and_fail(queue, job_id, "unknown")[2:] == ["counted", "open"]


def test_unknown_errors_that_differ_do_not_close_the_queue(queue: RedisState) -> None:
    add(queue, *"abcdef")
    for number, job_id in enumerate("abcdef"):
        assert start_and_fail(queue, job_id, "unknown", words=f"boom {number % 2}")[3] == "open"


def test_unknown_failure_of_one_job_is_buried_after_its_retries(queue: RedisState) -> None:
    add(queue, "a")
    for _ in range(3):
        start_and_fail(queue, "a", "unknown")
    assert start_and_fail(queue, "a", "unknown") == ["dead", "retries", "counted", "open"]


def test_nothing_starts_before_the_probe_is_due(closed: RedisState) -> None:
    add(closed, "d")
    assert start(closed, now=NOW + 1) == ["wait", 999]
    assert closed.read()["wait"] == ["d"]
    assert start(closed, now=NOW + 1_000) == ["job", "d"]


def test_one_probe_at_a_time(closed: RedisState) -> None:
    add(closed, "d", "e")
    start(closed, now=NOW + 1_000)
    assert start(closed, slot=1, now=NOW + 1_001) == ["wait", 1_000]
    assert start(closed, slot=1, now=NOW + 1_000 + CEILING) == ["job", "e"]


def test_probes_wait_twice_as_long_each_time_up_to_the_ceiling(closed: RedisState) -> None:
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


def test_each_probe_takes_another_job(closed: RedisState) -> None:
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
    assert probed == ["a", "b", "c"] * 2


def test_probes_come_from_both_ends_of_the_queue_in_turn(closed: RedisState) -> None:
    add(closed, *"defghi")
    now, probed = NOW, []
    for _ in range(5):
        now = gate(closed)["probeAt"]
        (_, job_id) = start(closed, now=now)
        probed.append(job_id)
        fail(closed, str(job_id), now=now)
    assert probed == ["d", "i", "e", "h", "f"]


def test_job_that_has_not_met_the_outage_is_preferred_to_a_more_urgent_one(closed: RedisState) -> None:
    closed.call("prioritize", "a", 1)
    closed.call("promote_job", "a")
    add(closed, "new", priority=100)
    assert start(closed, now=NOW + 1_000) == ["job", "new"]


def test_outage_on_the_word_of_one_job_lets_others_try_at_once(queue: RedisState) -> None:
    add(queue, "poison")
    start_and_fail(queue, "poison", "refused")
    add(queue, "good", "other", "third")
    assert start(queue) == ["job", "good"]
    assert start(queue, slot=1) == ["job", "other"]
    fail(queue, "other", slot=1)
    assert start(queue, slot=1) == ["wait", 1_000]
    assert complete(queue, "good") == ["reopened"]
    assert start(queue) == ["job", "third"]


def test_completed_probe_opens_the_queue(closed: RedisState) -> None:
    add(closed, "d")
    start(closed, now=NOW + 1_000)
    assert complete(closed, "d", now=NOW + 1_500) == ["reopened"]
    assert gate(closed) == {}


def test_completion_of_a_job_that_ran_already_does_not_open_the_queue(queue: RedisState) -> None:
    add(queue, "long", "a", "b", "c")
    start(queue, slot=1)
    for job_id in "abc":
        start_and_fail(queue, job_id)
    assert complete(queue, "long", slot=1) == ["completed"]
    assert gate(queue)["outage"] == 1


def test_job_that_fails_again_after_another_opened_the_queue_fails_on_its_own_account(
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


def test_many_jobs_that_met_an_outage_close_the_queue_again(queue: RedisState) -> None:
    ids = [f"j{number}" for number in range(10)]
    met = {job_id: waiting(data=f'{{"of":"{job_id}"}}', outage=1, probe=1) for job_id in ids}
    queue.write({"wait": ids[::-1], "priority_index": {ids[-1]: 50}, "jobs": met, "stats": {"outages": 1}})
    for job_id in ids[:9]:
        assert start_and_fail(queue, job_id)[3] == "open"
    assert start_and_fail(queue, ids[9])[3] == "closed"
    assert counted(queue, ids) == [(0, 1)] * 10


def test_own_fault_is_buried_in_an_outage_and_frees_the_probe(closed: RedisState) -> None:
    add(closed, "invalid", "next")
    start(closed, now=NOW + 1_000)
    assert fail(closed, "invalid", "invalid", now=NOW + 1_100)[:2] == ["dead", "invalid"]
    assert start(closed, now=NOW + 1_100) == ["job", "next"]


@pytest.mark.parametrize("end", ["release", "recover"])
def test_probe_that_goes_back_lets_another_probe_at_once(closed: RedisState, end: str) -> None:
    add(closed, "d")
    start(closed, now=NOW + 1_000)
    if end == "release":
        closed.call("release", "d", "host:0", 1, 0, "", now=NOW + 1_100)
    else:
        closed.call("recover", "host:0", "1", 3, now=NOW + 1_100)
    assert start(closed, now=NOW + 1_100) == ["job", "d"]


def test_job_that_waited_longer_than_its_patience_is_buried(closed: RedisState) -> None:
    add(closed, "d")
    start(closed, now=NOW + 1_000)
    fail(closed, "d", now=NOW + 1_000, patience=60_000)
    closed.call("promote_job", "d", now=NOW + 62_000)
    start(closed, now=NOW + 62_000)
    reply = fail(closed, "d", now=NOW + 62_000, patience=60_000)
    assert reply == ["dead", "out-of-service", "excused", "open"]


def test_machine_failure_counts_nowhere(queue: RedisState) -> None:
    add(queue, *"abcd")
    for job_id in "abcd":
        assert start_and_fail(queue, job_id, "machine") == ["delayed", 1_000, "excused", "open"]
    assert counted(queue, "abcd") == [(0, 1)] * 4
    assert gate(queue) == {}
    assert queue.read()["instance"]["host"]["troubleAt"] == NOW


def test_retry_after_of_the_service_is_waited_for(queue: RedisState) -> None:
    add(queue, "a")
    start_and_fail(queue, "a", "refused", at_least=20_000)
    assert gate(queue)["probeAt"] == NOW + 20_000


def test_jitter_only_lengthens_backoff_and_ceiling_bounds_it(queue: RedisState) -> None:
    add(queue, "a")
    assert start_and_fail(queue, "a", "unknown", jitter=0.2)[1] == 1_200
    queue.call("promote_job", "a")
    start(queue)
    assert fail(queue, "a", "unknown", longest=1_500)[1] == 1_500


def test_clock_that_was_set_back_does_not_keep_the_queue_closed(closed: RedisState) -> None:
    earlier = NOW - 900_000
    add(closed, "d")
    assert start(closed, now=earlier) == ["wait", 1_000]
    assert start(closed, now=earlier + 1_000) == ["job", "d"]


def test_raw_push_may_be_the_probe(closed: RedisState) -> None:
    closed.push('{"raw":1}')
    (answer, job_id) = start(closed, now=NOW + 1_000)
    assert answer == "job"
    assert complete(closed, str(job_id), now=NOW + 1_000) == ["reopened"]


def test_resume_lets_a_probe_start_at_once(closed: RedisState) -> None:
    add(closed, "d")
    closed.call("resume", now=NOW + 10)
    assert start(closed, now=NOW + 10) == ["job", "d"]


def test_replayed_job_has_met_no_outage(queue: RedisState) -> None:
    add(queue, "a")
    start_and_fail(queue, "a", "refused")
    queue.call("promote_job", "a")
    start(queue, now=NOW + 1_000)
    fail(queue, "a", "permanent", now=NOW + 1_000)
    queue.call("replay", "a")
    assert not {"outage", "probe", "excused", "failingSince"} & queue.read()["jobs"]["a"].keys()


def test_delayed_jobs_of_the_streak_keep_their_place(closed: RedisState) -> None:
    assert set(closed.read()["delayed"]) == {"a", "b", "c"}
    assert closed.read()["jobs"]["a"]["state"] == delayed()["state"]
    assert started()["state"] == "active"


def suspects(queue: RedisState, number: int, outages: int = 1) -> list[str]:
    """Adds jobs that have met outages which others' completions ended."""
    ids = [f"s{index}" for index in range(number)]
    add(queue, *ids)
    for job_id in ids:
        queue.redis.hset(queue.keys.job(job_id), mapping={"outage": "7", "outages": outages})
    return ids


def test_last_failure_is_excused_while_nothing_shows_that_the_service_works(queue: RedisState) -> None:
    (unlucky,) = suspects(queue, 1)
    for _ in range(3):
        assert start_and_fail(queue, unlucky)[2:] == ["counted", "open"]
    complete_others(queue, 3)
    assert start_and_fail(queue, unlucky) == ["delayed", 8_000, "excused", "open"]
    assert counted(queue, [unlucky]) == [(3, 1)]


def test_last_failure_is_excused_while_the_service_fails_others_as_often(queue: RedisState) -> None:
    unlucky, *others = suspects(queue, 6)
    for _ in range(3):
        start_and_fail(queue, unlucky)
    for job_id in others:
        start_and_fail(queue, job_id)
    complete_others(queue, 20)
    assert start_and_fail(queue, unlucky)[2:] == ["excused", "open"]
    complete_others(queue, 4)
    assert start_and_fail(queue, unlucky) == ["dead", "retries", "counted", "open"]


def test_last_failure_is_excused_only_so_often(queue: RedisState) -> None:
    (poison,) = suspects(queue, 1)
    replies = [start_and_fail(queue, poison) for _ in range(16)]
    assert [reply[2] for reply in replies] == ["counted"] * 3 + ["excused"] * 12 + ["counted"]
    assert [reply[1] for reply in replies[3:15]] == [8_000, 16_000] + [30_000] * 10
    assert replies[-1][:2] == ["dead", "retries"]


def test_pardoned_failure_is_given_back_only_once(queue: RedisState) -> None:
    (unlucky,) = suspects(queue, 1)
    for _ in range(3):
        start_and_fail(queue, unlucky)
    complete_others(queue, 3)
    assert start_and_fail(queue, unlucky)[2:] == ["excused", "open"]
    add(queue, "a", "b", "c")
    assert [start_and_fail(queue, job_id)[3] for job_id in "abc"] == ["open", "open", "closed"]
    assert counted(queue, [unlucky]) == [(3, 1)]


@pytest.mark.parametrize("since", ["paid", None])
def test_failures_before_a_replay_are_not_given_back(queue: RedisState, since: str | None) -> None:
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


def test_unknown_error_of_jobs_that_met_an_outage_is_their_own(queue: RedisState) -> None:
    for _ in range(4):
        replies = [start_and_fail(queue, job_id, "unknown") for job_id in suspects(queue, 6)]
        assert {reply[3] for reply in replies} == {"open"}
    assert {reply[0] for reply in replies} == {"dead"}


@pytest.mark.parametrize("kind", ["service", "refused", "unknown"])
def test_jobs_that_met_many_outages_do_not_close_the_queue(queue: RedisState, kind: str) -> None:
    replies = [start_and_fail(queue, job_id, kind) for job_id in suspects(queue, 12, outages=5)]
    assert {reply[3] for reply in replies} == {"open"}


def test_each_outage_that_a_job_meets_is_counted_once(closed: RedisState) -> None:
    add(closed, "d")
    start(closed, now=NOW + 1_000)
    fail(closed, "d", now=NOW + 1_000)
    jobs = closed.read()["jobs"]
    assert [jobs[job_id]["outages"] for job_id in "abcd"] == [1] * 4


def test_last_failure_that_may_be_paid_buries_the_job_and_closes_nothing(queue: RedisState) -> None:
    add(queue, "endless")
    for _ in range(3):
        start_and_fail(queue, "endless", "paid")
    assert start_and_fail(queue, "endless", "paid") == ["dead", "retries", "counted", "open"]


def test_counters_of_another_type_do_not_keep_the_queue_from_closing(queue: RedisState) -> None:
    add(queue, "a", "b", "c")
    queue.redis.delete(queue.keys.stats)
    queue.redis.set(queue.keys.stats, "no hash")
    for job_id in "abc":
        queue.call("promote_job", job_id)
        start(queue)
        fencing_token = queue.redis.hget(queue.keys.job(job_id), "fencingToken")
        reply = queue.call("retry", job_id, "host:0", fencing_token, *failing(kind="service", service="s3"))
    assert reply[3] == "closed"


@pytest.mark.parametrize(
    "streak", ["{}", "[]", "null", '{"jobs":{"x":"y","b":{}}}', '{"jobs":[1],"alike":3}', "{"]
)
def test_streak_of_garbage_loses_no_job(queue: RedisState, streak: str) -> None:
    add(queue, "a")
    start(queue)
    queue.redis.hset(queue.keys.gate, "streak", streak)
    reply = queue.call("retry", "a", "host:0", 1, *failing(kind="refused", service="s3"))
    assert reply == ["delayed", 1_000, "excused", "closed"]


def test_state_of_another_type_leaves_the_job_with_its_worker(queue: RedisState) -> None:
    add(queue, "a")
    start(queue)
    queue.redis.set(queue.keys.gate, "no hash")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        queue.call("retry", "a", "host:0", 1, *failing(kind="service", service="s3"))
    assert queue.redis.lrange(queue.keys.active("host:0"), 0, -1) == ["a"]


def test_probe_is_looked_for_behind_a_bounded_number_of_entries_at_once(closed: RedisState) -> None:
    closed.call("promote_job", "a")
    closed.push(*["no job"] * 150)
    assert start(closed, now=NOW + 1_000) == ["wait", 1]
    assert closed.redis.llen(closed.keys.dead) == 100
    assert start(closed, now=NOW + 1_001) == ["job", "a"]
