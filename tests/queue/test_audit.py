"""What is wrong in the data is found, and mended without the loss of a job."""

from __future__ import annotations

import threading
from random import Random

import pytest
from redis import Redis

from preppath_workers.queue.audit import Problem, problems
from preppath_workers.queue.job import Job
from preppath_workers.queue.keys import Keys
from preppath_workers.queue.outcome import Completed, Failed
from preppath_workers.queue.queue import NewJob, Queue

from . import invariants
from .bench import NOW, Bench, State, merged
from .table import HOST, completed, delayed, failed, started, waiting
from .turns import OpenSlot, done, turn

#: One job of each kind, each where it belongs.
SOUND: State = {
    **HOST,
    "wait": ['{"raw": 1}', "w"],
    "lanes": {"w": 50},
    "active": {"host:0": ["a"], "host:1": ["in-hand"]},
    "delayed": {"d": NOW + 5},
    "dead": ["f"],
    "completed": ["c", "expired"],
    "jobs": {
        "w": waiting(),
        "a": started(),
        "in-hand": waiting(),
        "d": delayed(),
        "f": failed(),
        "c": completed(),
    },
}

DAMAGE: dict[str, tuple[State, Problem, State]] = {
    "a waiting job left the line": (
        {"wait": ['{"raw": 1}'], "lanes": None},
        Problem("nowhere", "w"),
        {"wait": ['{"raw": 1}', "w"], "lanes": {"w": 50}},
    ),
    "a running job is in no hand": (
        {"active": {"host:0": None}},
        Problem("nowhere", "a"),
        {"wait": ['{"raw": 1}', "w", "a"]},
    ),
    "a running job is in a hand that is not its owner's": (
        {"active": {"host:0": None, "host:1": ["a", "in-hand"]}},
        Problem("elsewhere", "a"),
        {"wait": ['{"raw": 1}', "w", "a"], "active": {"host:1": ["in-hand"]}},
    ),
    "a job is in line twice": (
        {"wait": ["w", '{"raw": 1}', "w"]},
        Problem("twice", "w"),
        {"wait": ['{"raw": 1}', "w"]},
    ),
    "a running job stands in line too": (
        {"wait": ['{"raw": 1}', "w", "a"]},
        Problem("twice", "a"),
        {"wait": ['{"raw": 1}', "w"]},
    ),
    "a delayed job has no time": (
        {"delayed": None},
        Problem("nowhere", "d"),
        {"delayed": {"d": NOW}},
    ),
    "a delayed job stands in line": (
        {"delayed": None, "wait": ['{"raw": 1}', "w", "d"]},
        Problem("elsewhere", "d"),
        {"delayed": {"d": NOW}, "wait": ['{"raw": 1}', "w"]},
    ),
    "a dead job is not on the list": (
        {"dead": None},
        Problem("nowhere", "f"),
        {"dead": ["f"]},
    ),
    "a dead letter of no job": (
        {"dead": ["gone", "f"]},
        Problem("nothing", "gone"),
        {"dead": ["f"]},
    ),
    "a due time of no job": (
        {"delayed": {"d": NOW + 5, "gone": NOW}},
        Problem("nothing", "gone"),
        {"delayed": {"gone": None}},
    ),
    "a completed job stands in line": (
        {"wait": ['{"raw": 1}', "w", "c"]},
        Problem("elsewhere", "c"),
        {"wait": ['{"raw": 1}', "w"]},
    ),
}


class AtOneMoment(Queue):
    """A queue whose transitions happen at NOW."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        super().__init__(keys.queue, redis, keys.prefix)
        self.call._now = str(NOW)


def all_jobs(bench: Bench) -> set[str]:
    return set(bench.read()["jobs"])


def test_sound_data_has_no_problem(bench: Bench) -> None:
    bench.write(SOUND)
    assert list(problems(AtOneMoment(bench.redis, bench.keys), mend=True)) == []
    assert bench.read() == SOUND


@pytest.mark.parametrize(("damage", "problem", "mended"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_told_and_mended(bench: Bench, damage: State, problem: Problem, mended: State) -> None:
    bench, queue = bench, AtOneMoment(bench.redis, bench.keys)
    bench.write(merged(SOUND, damage))
    before = bench.read()

    assert list(problems(queue)) == [problem]
    assert bench.read() == before  # nothing was asked to be mended

    assert list(problems(queue, mend=True)) == [problem]
    assert list(problems(queue)) == []
    after = bench.read()
    assert set(after["jobs"]) == set(before["jobs"])
    for name in ("wait", "active", "delayed", "dead"):
        assert after.get(name) == merged(merged(SOUND, damage), mended).get(name)


def test_a_slot_that_no_instance_has_is_emptied(bench: Bench) -> None:
    bench, queue = bench, AtOneMoment(bench.redis, bench.keys)
    bench.write(merged(SOUND, {"active": {"ghost:3": ["g"]}, "jobs": {"g": started(owner="ghost:3")}}))

    assert list(problems(queue)) == [Problem("stray", "ghost:3"), Problem("nowhere", "g")]
    assert list(problems(queue, mend=True)) == [Problem("stray", "ghost:3")]

    assert list(problems(queue)) == []
    assert bench.read()["wait"] == ['{"raw": 1}', "w", "g"]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_thrown_together_is_sorted_out(bench: Bench, seed: int) -> None:
    """Entries of any job in any place, any number of times."""
    random, bench = Random(seed), bench
    ids = [f"j{number}" for number in range(8)]
    made = (waiting, delayed, started, failed, completed)
    bench.write({**HOST, "jobs": {job_id: random.choice(made)() for job_id in ids}})
    for _ in range(12):
        entry = random.choice([*ids, "gone"])
        match random.randrange(4):
            case 0:
                bench.redis.lpush(bench.keys.wait, entry)
            case 1:
                bench.redis.lpush(bench.keys.active(f"host:{random.randrange(3)}"), entry)
            case 2:
                bench.redis.zadd(bench.keys.delayed, {entry: NOW})
            case 3:
                bench.redis.lpush(bench.keys.dead, entry)
    queue = AtOneMoment(bench.redis, bench.keys)

    list(problems(queue, mend=True))

    assert list(problems(queue)) == []
    assert set(ids) <= all_jobs(bench)
    state = bench.read()
    for job_id, fields in state["jobs"].items():
        assert invariants.places(job_id, state) == invariants.expected_places(job_id, fields, state)


def test_a_busy_queue_has_no_problem(queue: Queue, open_slot: OpenSlot) -> None:
    """Jobs move under the eyes of whoever looks."""
    stop = threading.Event()

    def work(number: int) -> None:
        slot = open_slot(number=number)
        while not stop.is_set():
            queue.enqueue_many([NewJob({}), NewJob({}, delay=0.001), NewJob({}, priority=3)])
            for _ in range(3):
                job = turn(slot)
                if not isinstance(job, Job):  # the other worker was quicker
                    break
                slot.settle(done(job, Failed("{}", "permanent") if number else Completed("{}")))
            queue.replay([job.id for job in queue.dead_letters(count=2)])

    workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for worker in workers:
        worker.start()
    try:
        found = [problem for _ in range(15) for problem in problems(queue)]
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert found == []
