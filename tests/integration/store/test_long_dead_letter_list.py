"""Jobs that are taken out of the middle of a long dead-letter list."""

from __future__ import annotations

import random

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.repair import Problem, find_problems

#: More than near the two ends, and more than a call takes if they are far from each other.
LONG = 5_000

IDS = [f"j{number}" for number in range(LONG)]


@pytest.fixture
def queue(redis: Redis, key_prefix: str) -> Queue:
    """A queue of which each job failed a second after the one before, `j0` first."""
    queue = Queue("tts", redis, key_prefix)
    with redis.pipeline(transaction=False) as pipeline:
        for number, job_id in enumerate(IDS):
            job = {"state": "failed", "reason": "retries", "finishedAt": 1_000_000 + 1_000 * number}
            pipeline.hset(queue.keys.job(job_id), mapping={**job, "data": "{}"})
            pipeline.lpush(queue.keys.dead, job_id)
        pipeline.execute()
    return queue


def dead(queue: Queue) -> list[str]:
    return [*queue.redis.lrange(queue.keys.dead, 0, -1)][::-1]


def waiting(queue: Queue) -> list[str]:
    return [*queue.redis.lrange(queue.keys.wait, 0, -1)][::-1]


@pytest.mark.parametrize(
    "taken",
    [
        IDS[1_500:1_600],
        IDS[1_599:1_499:-1],
        IDS[LONG // 2 - 150 : LONG // 2 + 150 : 3],
        IDS[3_500:3_550],
        IDS[5::97],
        [IDS[2_000], IDS[10], IDS[-10], "unknown", IDS[2_000], IDS[3_000]],
    ],
    ids=["old half", "newest first", "around the middle", "new half", "scattered", "repeated"],
)
def test_replay_moves_jobs_of_any_place_in_the_given_order(queue: Queue, taken: list[str]) -> None:
    expected = [job_id for job_id in dict.fromkeys(taken) if job_id in IDS]

    assert queue.replay(taken) == len(expected)

    assert waiting(queue) == expected
    assert dead(queue) == [job_id for job_id in IDS if job_id not in expected]
    assert queue.replay(taken) == 0


def test_purge_deletes_jobs_of_any_place(queue: Queue) -> None:
    chosen = random.Random(1).sample(IDS, 300)

    assert queue.purge(chosen) == 300
    assert queue.purge(chosen) == 0

    assert dead(queue) == [job_id for job_id in IDS if job_id not in chosen]
    assert [job.id for job in queue.get_many(IDS)] == dead(queue)


def test_jobs_that_are_out_of_order_are_found(queue: Queue) -> None:
    """Edited by hand, or failed while the clock was wrong."""
    queue.redis.hset(queue.keys.job(IDS[2_500]), "finishedAt", 1)
    queue.redis.hset(queue.keys.job(IDS[2_600]), "finishedAt", "never")
    queue.redis.delete(queue.keys.job(IDS[2_700]))
    chosen = [IDS[2_500], IDS[2_600], IDS[2_700], IDS[2_501]]

    assert queue.replay(chosen) == 3

    assert dead(queue) == [job_id for job_id in IDS if job_id not in chosen]
    assert waiting(queue) == [IDS[2_500], IDS[2_600], IDS[2_501]]


def test_jobs_far_from_each_other_leave_a_long_list_by_one_call(queue: Queue) -> None:
    assert queue.call("replay", *IDS[1_100:2_000:300]) == [3]


def test_job_is_found_beside_one_whose_key_has_another_type(queue: Queue) -> None:
    middle = IDS[LONG // 2 - 1]  # where a search begins
    queue.redis.delete(queue.keys.job(middle))
    queue.redis.set(queue.keys.job(middle), "text")

    assert queue.replay([IDS[1_500]]) == 1
    assert queue.purge([IDS[3_500]]) == 1


def test_repair_of_a_long_list_finds_entries_of_any_place(queue: Queue) -> None:
    """The list may be too long to be searched for each suspect."""
    misplaced, gone, missing, doubled = IDS[1_500], IDS[2_000], IDS[2_500], IDS[3_000]
    queue.redis.hset(queue.keys.job(misplaced), "state", "waiting")
    queue.redis.delete(queue.keys.job(gone))
    queue.redis.lrem(queue.keys.dead, 1, missing)
    queue.redis.rpush(queue.keys.dead, doubled)
    found = {
        Problem("misplaced", misplaced),
        Problem("unknown", gone),
        Problem("missing", missing),
        Problem("duplicate", doubled),
    }

    assert {*find_problems(queue)} == {*find_problems(queue, repair=True)} == found

    assert not [*find_problems(queue)]
    assert waiting(queue) == [misplaced]
    assert sorted(dead(queue)) == sorted({*IDS} - {misplaced, gone})


def test_job_that_failed_while_its_list_was_read_is_not_missing(queue: Queue) -> None:
    for job_id in (IDS[-1], IDS[1_500]):  # the newest; one that a replay has moved on
        assert queue.call("repair", job_id, "1", 0, 0) == ["fine"]
        assert queue.call("repair", job_id, "1", 1, 1_450) == ["fine"]
    assert dead(queue) == IDS


def test_repair_of_a_job_out_of_order_finds_its_entry_after_a_replay_of_many(queue: Queue) -> None:
    out_of_order = IDS[2_500]
    queue.redis.hset(queue.keys.job(out_of_order), "finishedAt", 1)
    for seen in (1, 0):  # while the list is read, entries move on and may be left out
        assert queue.call("repair", out_of_order, "1", seen, 3_500) == ["fine"]
    assert dead(queue) == IDS


def test_neighbours_leave_a_long_list_by_one_walk(queue: Queue) -> None:
    queue.call("replay", *IDS[1_400:1_402])  # the server knows the script
    before = queue.redis.info("commandstats")["cmdstat_lrem"]["calls"]

    assert queue.call("replay", *IDS[1_500:1_600]) == [100]

    assert queue.redis.info("commandstats")["cmdstat_lrem"]["calls"] - before == 1
