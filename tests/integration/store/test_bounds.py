"""Retention of completed jobs, order of delayed jobs, and the number of workers."""

from __future__ import annotations

import pytest

from preppath_workers import NewJob, Queue
from preppath_workers.store.scripts import Caller


def beat(queue: Queue, slots: int, workers: int | None = None) -> None:
    fields = ("workers", workers) if workers is not None else ("pid", 1)
    Caller(queue.redis, queue.keys.base)("heartbeat", "host-1-abcdef", 60_000, slots, 0, 0, 0, 0, *fields)


def at(queue: Queue, now: int) -> Caller:
    return Caller(queue.redis, queue.keys.base, str(now))


@pytest.mark.parametrize(("kept", "left"), [(10, 10), (3, 3), (0, 25)])
def test_complete_beyond_the_cap_deletes_the_oldest_jobs(queue: Queue, kept: int, left: int) -> None:
    beat(queue, 1)
    for number in range(25):
        queue.enqueue({}, id=f"j{number}")
        started = queue.call("claim", "host-1-abcdef", 0, 60_000, 0, 0, 1_000)
        assert started[0] == "job"
        queue.call("complete", f"j{number}", "host-1-abcdef:0", "1", "{}", 60_000, kept)

    known = [number for number in range(25) if queue.get(f"j{number}")]
    assert left <= len(known) <= left * 1.1
    assert known == list(range(25))[-len(known) :]
    assert len(known) == 25 if not kept else len(known) == queue.counts().completed


def test_complete_after_the_cap_was_lowered_deletes_in_steps(queue: Queue) -> None:
    beat(queue, 1)
    ids = [f"old{number}" for number in range(700)]
    with queue.redis.pipeline() as pipeline:
        for job_id in ids:
            pipeline.hset(queue.keys.job(job_id), mapping={"state": "completed"})
            pipeline.rpush(queue.keys.completed, job_id)
        pipeline.hset(queue.keys.job("old650"), "state", "failed")
        pipeline.execute()
    left = []
    for number in range(3):
        queue.enqueue({}, id=f"j{number}")
        queue.call("claim", "host-1-abcdef", 0, 60_000, 0, 0, 1_000)
        queue.call("complete", f"j{number}", "host-1-abcdef:0", "1", "{}", 60_000, 10)
        left.append(queue.counts().completed)
    assert left == [201, 10, 11]
    assert queue.get("old650") is not None
    assert queue.get("old649") is None


def test_promote_due_of_jobs_with_one_due_time_keeps_their_order(queue: Queue) -> None:
    ids = [f"{number * 7 % 20}" for number in range(20)]
    at(queue, 1_000_000)("enqueue", *(word for job_id in ids for word in (job_id, "{}", 50, 1_000)))
    queue.redis.zadd(queue.keys.delayed, {'{"raw": 1}': 999_000})  # due before

    assert at(queue, 1_000_999)("promote_due", 100)[0] == 1
    assert at(queue, 1_001_000)("promote_due", 100)[0] == 20
    assert queue.redis.lrange(queue.keys.wait, 0, -1)[::-1][1:] == ids


def test_enqueue_of_thousands_with_one_delay_keeps_the_due_time(queue: Queue) -> None:
    for part in range(10):
        ids = [f"{part}-{number:03}" for number in range(500)]
        at(queue, 10**12)("enqueue", *(word for job_id in ids for word in (job_id, "{}", 50, 1_000)))
    scores = [score for _, score in queue.redis.zrange(queue.keys.delayed, 0, -1, withscores=True)]
    assert len(scores) == 5_000
    assert {int(score) for score in scores} == {10**12 + 1_000}


def test_enqueue_with_the_id_of_a_cancelled_job_creates_a_job(queue: Queue) -> None:
    for delay in (0.0, 60.0):
        queue.enqueue({"n": 1}, id="a", delay=delay)
        assert queue.cancel("a") == "cancelled"
        assert queue.enqueue({"n": 2}, id="a", priority=3).created
        job = queue.get("a")
        assert job is not None
        assert (job.state, job.data, job.priority) == ("waiting", {"n": 2}, 3)
        assert queue.redis.ttl(queue.keys.job("a")) == -1
        assert queue.redis.lrange(queue.keys.wait, 0, -1) == ["a"]
        queue.cancel("a")
    added = queue.enqueue_many([NewJob({}, id="a"), NewJob({}, id="a")])
    assert [job.created for job in added] == [True, False]


def test_heartbeat_sets_a_ttl_on_tokens(queue: Queue) -> None:
    beat(queue, 1)
    queue.enqueue({})
    queue.call("claim", "host-1-abcdef", 0, 60_000, 5, 60_000, 1_000)
    beat(queue, 1)
    assert 0 < queue.redis.pttl(queue.keys.tokens) <= 180_000


@pytest.mark.parametrize(("slots", "workers", "expected"), [(5, 2, 2), (5, 0, 0), (5, None, 5)])
def test_counts_use_the_reported_number_of_workers(
    queue: Queue, slots: int, workers: int | None, expected: int
) -> None:
    beat(queue, slots, workers)
    assert queue.counts().workers == expected
    assert queue.locate("x", None).workers == expected
    assert len(queue.held_slots()) == expected


def test_counts_include_a_closed_slot_until_it_is_empty(queue: Queue) -> None:
    beat(queue, 2)
    queue.enqueue({}, id="a")
    queue.call("claim", "host-1-abcdef", 1, 60_000, 0, 0, 1_000)
    beat(queue, 2, workers=1)
    assert queue.counts().workers == 2
    queue.call("complete", "a", "host-1-abcdef:1", "1", "{}", 60_000, 10)
    assert queue.counts().workers == 1
