"""Inconsistent data is found and repaired without losing a job."""

from __future__ import annotations

import threading
from random import Random

import pytest
from redis import Redis

from preppath_workers.queue import NewJob, Queue
from preppath_workers.store.consuming.outcome import Completed, Failed
from preppath_workers.store.job import Job
from preppath_workers.store.keys import Keys
from preppath_workers.store.repair import Problem, find_problems

from . import invariants
from .consumer_steps import OpenConsumer, done, settle_and_fetch
from .redis_state import NOW, RedisState, State, merged
from .state_table import HOST, completed, delayed, failed, started, waiting

#: One job in each state, each in the right place.
SOUND: State = {
    **HOST,
    "wait": ['{"raw": 1}', "w"],
    "priority_index": {"w": 50},
    "active": {"host:0": ["a"], "host:1": ["in-flight"]},
    "delayed": {"d": NOW + 5},
    "dead": ["f"],
    "completed": ["c", "expired"],
    "jobs": {
        "w": waiting(),
        "a": started(),
        "in-flight": waiting(),
        "d": delayed(),
        "f": failed(),
        "c": completed(),
    },
}

DAMAGE: dict[str, tuple[State, Problem, State]] = {
    "a waiting job is missing in wait": (
        {"wait": ['{"raw": 1}'], "priority_index": None},
        Problem("missing", "w"),
        {"wait": ['{"raw": 1}', "w"], "priority_index": {"w": 50}},
    ),
    "an active job is in no slot": (
        {"active": {"host:0": None}},
        Problem("missing", "a"),
        {"wait": ['{"raw": 1}', "w", "a"]},
    ),
    "an active job is in another worker's slot": (
        {"active": {"host:0": None, "host:1": ["a", "in-flight"]}},
        Problem("misplaced", "a"),
        {"wait": ['{"raw": 1}', "w", "a"], "active": {"host:1": ["in-flight"]}},
    ),
    "a job is in wait twice": (
        {"wait": ["w", '{"raw": 1}', "w"]},
        Problem("duplicate", "w"),
        {"wait": ['{"raw": 1}', "w"]},
    ),
    "an active job is in wait too": (
        {"wait": ['{"raw": 1}', "w", "a"]},
        Problem("duplicate", "a"),
        {"wait": ['{"raw": 1}', "w"]},
    ),
    "a delayed job has no due time": (
        {"delayed": None},
        Problem("missing", "d"),
        {"delayed": {"d": NOW}},
    ),
    "a delayed job is in wait": (
        {"delayed": None, "wait": ['{"raw": 1}', "w", "d"]},
        Problem("misplaced", "d"),
        {"delayed": {"d": NOW}, "wait": ['{"raw": 1}', "w"]},
    ),
    "a failed job is not in dead": (
        {"dead": None},
        Problem("missing", "f"),
        {"dead": ["f"]},
    ),
    "a dead letter has no hash": (
        {"dead": ["gone", "f"]},
        Problem("unknown", "gone"),
        {"dead": ["f"]},
    ),
    "a due time has no hash": (
        {"delayed": {"d": NOW + 5, "gone": NOW}},
        Problem("unknown", "gone"),
        {"delayed": {"gone": None}},
    ),
    "a completed job is in wait": (
        {"wait": ['{"raw": 1}', "w", "c"]},
        Problem("misplaced", "c"),
        {"wait": ['{"raw": 1}', "w"]},
    ),
}


class QueueAtNow(Queue):
    """A queue whose clock shows NOW."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        super().__init__(keys.queue, redis, keys.prefix)
        self.call._now = str(NOW)


def all_jobs(redis_state: RedisState) -> set[str]:
    return set(redis_state.read()["jobs"])


def test_find_problems_of_sound_data_is_empty(redis_state: RedisState) -> None:
    redis_state.write(SOUND)
    assert list(find_problems(QueueAtNow(redis_state.redis, redis_state.keys), repair=True)) == []
    assert redis_state.read() == SOUND


@pytest.mark.parametrize(("damage", "problem", "repaired"), DAMAGE.values(), ids=DAMAGE)
def test_find_problems_names_and_repairs_damage(
    redis_state: RedisState, damage: State, problem: Problem, repaired: State
) -> None:
    queue = QueueAtNow(redis_state.redis, redis_state.keys)
    redis_state.write(merged(SOUND, damage))
    before = redis_state.read()

    assert list(find_problems(queue)) == [problem]
    assert redis_state.read() == before  # without repair=True

    assert list(find_problems(queue, repair=True)) == [problem]
    assert list(find_problems(queue)) == []
    after = redis_state.read()
    assert set(after["jobs"]) == set(before["jobs"])
    for name in ("wait", "active", "delayed", "dead"):
        assert after.get(name) == merged(merged(SOUND, damage), repaired).get(name)


def test_find_problems_empties_an_orphaned_slot(redis_state: RedisState) -> None:
    queue = QueueAtNow(redis_state.redis, redis_state.keys)
    redis_state.write(
        merged(SOUND, {"active": {"ghost:3": ["g"]}, "jobs": {"g": started(workerId="ghost:3")}})
    )

    assert list(find_problems(queue)) == [Problem("orphaned", "ghost:3"), Problem("missing", "g")]
    assert list(find_problems(queue, repair=True)) == [Problem("orphaned", "ghost:3")]

    assert list(find_problems(queue)) == []
    assert redis_state.read()["wait"] == ['{"raw": 1}', "w", "g"]


def test_find_problems_of_more_jobs_than_a_page_finds_those_of_each_page(
    redis_state: RedisState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preppath_workers.store.repair._PAGE", 1)
    missing = {f"m{number}": waiting() for number in range(3)}
    redis_state.write(merged(SOUND, {"jobs": missing}))
    found = find_problems(QueueAtNow(redis_state.redis, redis_state.keys), repair=True)
    assert {*found} == {Problem("missing", job_id) for job_id in missing}
    assert {*missing} < {*redis_state.read()["wait"]}


@pytest.mark.parametrize("seed", range(10))
def test_find_problems_repairs_random_data(redis_state: RedisState, seed: int) -> None:
    """Any job in any place, any number of times."""
    random = Random(seed)
    ids = [f"j{number}" for number in range(8)]
    made = (waiting, delayed, started, failed, completed)
    redis_state.write({**HOST, "jobs": {job_id: random.choice(made)() for job_id in ids}})
    for _ in range(12):
        entry = random.choice([*ids, "gone"])
        match random.randrange(4):
            case 0:
                redis_state.redis.lpush(redis_state.keys.wait, entry)
            case 1:
                redis_state.redis.lpush(redis_state.keys.active(f"host:{random.randrange(3)}"), entry)
            case 2:
                redis_state.redis.zadd(redis_state.keys.delayed, {entry: NOW})
            case 3:
                redis_state.redis.lpush(redis_state.keys.dead, entry)
    queue = QueueAtNow(redis_state.redis, redis_state.keys)

    list(find_problems(queue, repair=True))

    assert list(find_problems(queue)) == []
    assert set(ids) <= all_jobs(redis_state)
    state = redis_state.read()
    for job_id, fields in state["jobs"].items():
        assert invariants.places(job_id, state) == invariants.expected_places(job_id, fields, state)


def test_find_problems_of_a_busy_queue_is_empty(queue: Queue, open_consumer: OpenConsumer) -> None:
    """Jobs move during the search."""
    stop = threading.Event()

    def work(number: int) -> None:
        consumer = open_consumer(number=number)
        while not stop.is_set():
            queue.enqueue_many([NewJob({}), NewJob({}, delay=0.001), NewJob({}, priority=3)])
            for _ in range(3):
                job = settle_and_fetch(consumer)
                if not isinstance(job, Job):  # the other worker was quicker
                    break
                consumer.settle(done(job, Failed("{}", "permanent") if number else Completed("{}")))
            queue.replay([job.id for job in queue.dead_letters(count=2)])

    workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for worker in workers:
        worker.start()
    try:
        found = [problem for _ in range(15) for problem in find_problems(queue)]
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert found == []
