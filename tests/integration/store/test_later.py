"""The jobs behind the first ones of a long queue: they wait in `later` if users take turns."""

from __future__ import annotations

import json

import pytest

from preppath_workers import Queue
from preppath_workers.store import repair
from preppath_workers.store.keys import FIRST_LAYOUT, LAYOUT
from preppath_workers.store.reading.oldest import oldest_waiting_ms

from . import invariants
from .redis_state import NOW, RedisState

#: Jobs that `wait` has at least when others are in `later`, and jobs of user `a`.
LONG, JOBS = 200, 450

ALL = [f"a{number}" for number in range(JOBS)]


@pytest.fixture
def fair(redis_state: RedisState) -> RedisState:
    redis_state.write({"fair": {"by": "user"}})
    return redis_state


@pytest.fixture
def long(fair: RedisState) -> RedisState:
    """A queue with many jobs of user `a`, one of them in each round."""
    enqueue(fair, *ALL)
    return fair


def enqueue(queue: RedisState, *ids: str, priority: int = 50, now: int = NOW) -> None:
    """Add jobs named after their user, such as `a1`."""
    words = [word for job_id in ids for word in (job_id, json.dumps({"user": job_id[0]}), priority, 0)]
    assert queue.call("enqueue", *words, now=now) == [1] * len(ids)


def in_order(queue: RedisState) -> list[str]:
    state = queue.read()
    invariants.check(state)
    return invariants.waiting(state)[::-1]


def claim(queue: RedisState, slot: int = 0) -> list[str]:
    answer: list[str] = queue.call("claim", "host", slot, 15_000, 0, 0, 30_000)
    return answer


def test_last_jobs_of_a_long_queue_are_in_later(long: RedisState) -> None:
    assert in_order(long) == ALL
    assert long.redis.llen(long.keys.wait) == LONG
    assert long.redis.zcard(long.keys.later) == JOBS - LONG


def test_all_jobs_wait_in_one_list_if_users_do_not_take_turns(redis_state: RedisState) -> None:
    enqueue(redis_state, *ALL)

    assert "later" not in redis_state.read()
    assert in_order(redis_state) == ALL


def test_jobs_of_another_user_take_turns_in_both_parts(long: RedisState) -> None:
    theirs = [f"b{number}" for number in range(JOBS - 1)]
    for first in range(0, len(theirs), 50):
        enqueue(long, *theirs[first : first + 50])

    turns = [job_id for pair in zip(ALL, theirs, strict=False) for job_id in pair]
    assert in_order(long) == [*turns, ALL[-1]]
    assert long.redis.llen(long.keys.wait) < LONG + 50


def test_urgent_jobs_overtake_all_others(long: RedisState) -> None:
    enqueue(long, "x1", "x2", priority=1)
    enqueue(long, "z1", priority=90)
    enqueue(long, "y1", "y2", priority=60)

    assert in_order(long) == ["x1", "x2", *ALL, "y1", "y2", "z1"]


def test_job_that_goes_back_is_in_front_of_its_priority(long: RedisState) -> None:
    enqueue(long, "z1", priority=90)
    enqueue(long, "z2", priority=90)
    long.call("cancel", "z1", 60_000)
    enqueue(long, "y1", priority=60)
    long.redis.hset(long.keys.job("r"), mapping={"state": "active", "workerId": "host:0", "priority": 60})
    long.redis.hset(long.keys.job("r"), "fencingToken", 1)
    long.redis.rpush(long.keys.active("host:0"), "r")

    assert long.call("release", "r", "host:0", 1, 0, "") == ["released"]

    assert in_order(long) == [*ALL, "r", "y1", "z2"]


def test_workers_start_all_jobs_in_order(long: RedisState) -> None:
    started = []
    while (answer := claim(long))[0] == "job":
        started.append(answer[1])
        invariants.check(long.read()) if len(started) % 40 == 0 else None
        long.call("complete", answer[1], "host:0", 1, "{}", 60_000, 10)

    assert started == ALL
    assert not {"wait", "later"} & long.read().keys()


def test_busy_worker_starts_all_jobs_in_order(long: RedisState) -> None:
    job_id = claim(long)[1]
    started = [job_id]
    while True:
        *following, settled = long.call(
            "settle_and_fetch", "host:0", 60_000, 10, 15_000, 0, 0, 30_000, job_id, 1, "{}"
        )
        assert settled == "completed"
        if following[0] != "job":
            break
        job_id = following[1]
        started.append(job_id)
    assert started == ALL


def test_promote_due_refills_a_list_that_others_have_emptied(long: RedisState) -> None:
    """Workers that do nothing but pop find the next jobs within the janitor's second."""
    popped = [long.take("host:0") for _ in range(LONG)]
    assert long.take("host:0") is None

    long.call("promote_due", 100)

    assert [*popped, long.take("host:0")] == ALL[: LONG + 1]


def test_raw_push_takes_its_turn_although_it_is_in_the_list(long: RedisState) -> None:
    for _ in range(LONG):
        job_id = long.take("host:1")
        long.redis.hset(long.keys.job(str(job_id)), mapping={"state": "active", "workerId": "host:1"})
    long.push('{"user": "b"}')
    long.push('{"user": "b"}')

    assert claim(long) == ["none"]
    assert claim(long) == ["job", "raw-1000000-1"]
    assert claim(long, slot=2) == ["none"]

    assert in_order(long)[:3] == ["a200", "raw-1000000-2", "a201"]


def test_show_tells_the_position_in_both_parts(long: RedisState, queue: Queue) -> None:
    enqueue(long, "b1", "b2")

    for position, job_id in enumerate(in_order(long)):
        if position % 50 in (0, 1):
            assert queue.locate(job_id, None).ahead == position


@pytest.mark.parametrize("job_id", ["a3", "a199", "a200", "a201", "a449"])
def test_cancelled_job_leaves_both_parts_in_order(long: RedisState, job_id: str) -> None:
    assert long.call("cancel", job_id, 60_000) == ["cancelled"]

    assert in_order(long) == [each for each in ALL if each != job_id]


def test_cancelled_jobs_of_later_give_their_turns_back(long: RedisState) -> None:
    for job_id in ALL[:100:-1]:
        long.call("cancel", job_id, 60_000)

    enqueue(long, "a500")

    assert in_order(long) == [*ALL[:101], "a500"]
    assert long.read()["jobs"]["a500"]["turn"] == "102 a"


def test_prioritize_moves_a_job_out_of_later_and_back(long: RedisState) -> None:
    long.call("prioritize", "a400", 1)
    assert in_order(long)[0] == "a400"

    long.call("prioritize", "a400", 90)
    assert in_order(long)[-1] == "a400"


def test_jobs_are_listed_and_counted_over_both_parts(long: RedisState, queue: Queue) -> None:
    listed = [job.id for start in range(0, JOBS, 64) for job in queue.jobs("waiting", start, 64)]

    assert listed == ALL
    assert queue.counts().waiting == JOBS


def test_oldest_job_may_be_in_later(long: RedisState, queue: Queue) -> None:
    enqueue(long, "z1", priority=90)
    long.redis.hset(long.keys.job("z1"), "createdAt", queue.now() - 60_000)
    for job_id in ALL:
        long.redis.hset(long.keys.job(job_id), "createdAt", queue.now())

    assert 60_000 <= (oldest_waiting_ms(queue) or 0) < 70_000


def test_audit_finds_a_job_that_is_in_both_parts(long: RedisState, queue: Queue) -> None:
    assert [*repair.find_problems(queue)] == []
    long.redis.rpush(long.keys.wait, "a300")

    assert [problem.name for problem in repair.find_problems(queue, repair=True)] == ["a300"]

    assert [*repair.find_problems(queue)] == []
    assert queue.counts().waiting == JOBS


def test_jobs_keep_their_places_when_users_no_longer_take_turns(long: RedisState) -> None:
    long.redis.delete(long.keys.fair)

    enqueue(long, "b1", "b2")
    enqueue(long, "x1", priority=1)
    enqueue(long, "z1", priority=90)

    assert in_order(long) == ["x1", *ALL, "b1", "b2", "z1"]


def test_earlier_releases_refuse_a_queue_with_jobs_in_later(fair: RedisState) -> None:
    """They would not find those jobs."""
    fair.call("heartbeat", "host", 15_000, 1, 0, 0, 0, 0, "fairBy", "user")
    enqueue(fair, *ALL[:LONG])
    assert fair.read()["meta"]["layout"] == FIRST_LAYOUT

    enqueue(fair, "a500")

    assert fair.read()["meta"]["layout"] == LAYOUT
