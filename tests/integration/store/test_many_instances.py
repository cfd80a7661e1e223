"""Many instances on one Redis: no call looks at all of their slots, or requeues all of their jobs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis import Redis
from redis import asyncio as redis_asyncio

from preppath_workers import AsyncQueue, NewJob, Queue
from preppath_workers.store.operation import run
from preppath_workers.store.reading.portions import find_slot
from preppath_workers.store.reading.reader import Counts

from .redis_state import NOW, RedisState
from .state_table import started

#: Instances and the slots of each: more than one call looks at, in more than one portion of instances.
INSTANCES, SLOTS = 150, 7

#: The most jobs that one call requeues.
MOST_REQUEUED = 50


@pytest.fixture
def busy(redis: Redis, key_prefix: str) -> Queue:
    """A queue of which each slot holds a job: nearly all run it, one in ten has reserved it."""
    queue = Queue("tts", redis, key_prefix)
    ids = [ref.id for ref in queue.enqueue_many(NewJob({}) for _ in range(INSTANCES * SLOTS + 5))]
    for number in range(INSTANCES):
        queue.call("heartbeat", f"host-{number}", 60_000, SLOTS, 0, 0, 0, 0, "workers", SLOTS)
    with queue.redis.pipeline() as pipeline:
        for number in range(INSTANCES * SLOTS):
            worker_id = f"host-{number // SLOTS}:{number % SLOTS}"
            pipeline.rpoplpush(queue.keys.wait, queue.keys.active(worker_id))
            if number % 10:
                job = {"state": "active", "workerId": worker_id}
                pipeline.hset(queue.keys.job(ids[number]), mapping=job)
        pipeline.execute()
    return queue


def test_counts_of_many_slots_are_those_of_one_call(busy: Queue) -> None:
    reserved = INSTANCES * SLOTS // 10

    counts = busy.counts()

    assert (counts.waiting, counts.active) == (reserved + 5, INSTANCES * SLOTS - reserved)
    assert counts.workers == INSTANCES * SLOTS
    assert [*busy.call("counts")] == [counts.waiting, counts.active, 0, 0, 0, counts.workers]


@pytest.mark.parametrize("decode", [True, False], ids=["text", "bytes"])
def test_async_counts_of_many_slots_are_the_same(
    busy: Queue, redis_url: str, key_prefix: str, decode: bool
) -> None:
    async def counted() -> Counts:
        async with redis_asyncio.Redis.from_url(redis_url, decode_responses=decode) as client:
            return await AsyncQueue("tts", client, key_prefix).counts()

    assert asyncio.run(counted()) == busy.counts()


def test_held_slots_of_many_instances_are_all_there(busy: Queue) -> None:
    held = busy.held_slots()

    assert {slot.worker_id for slot in held} == {
        f"host-{instance}:{slot}" for instance in range(INSTANCES) for slot in range(SLOTS)
    }
    assert len({job_id for slot in held for job_id in slot.job_ids}) == len(held) == INSTANCES * SLOTS


def test_locate_of_a_job_that_a_slot_holds_names_the_slot(busy: Queue) -> None:
    slots = {job_id: slot.worker_id for slot in busy.held_slots() for job_id in slot.job_ids}
    reserved, active = [*slots][:2]

    assert [busy.ref(job_id).status().state for job_id in (reserved, active)] == ["waiting", "active"]
    assert busy.locate(reserved, None).worker_id == slots[reserved]
    assert busy.locate(active, None).worker_id == slots[active]


def test_change_of_a_reserved_job_finds_its_slot(busy: Queue) -> None:
    slots = {job_id: slot.worker_id for slot in busy.held_slots() for job_id in slot.job_ids}
    first, *_, last = (job_id for job_id in slots if busy.ref(job_id).status().state == "waiting")

    assert [busy.prioritize(job_id, 1) for job_id in (first, last)] == ["waiting", "waiting"]
    assert busy.redis.exists(busy.keys.active(slots[first]), busy.keys.active(slots[last])) == 2
    assert [busy.cancel(job_id) for job_id in (first, last)] == ["cancelled", "cancelled"]
    assert busy.redis.exists(busy.keys.active(slots[first]), busy.keys.active(slots[last])) == 0


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("cancel", ("", "0"), "reserved"),
        ("prioritize", (7,), "reserved"),
        ("locate", (0, 0), "held"),
    ],
)
def test_script_that_needs_the_slot_of_a_job_leaves_the_search_to_its_caller(
    busy: Queue, name: str, arguments: tuple[str | int, ...], answer: str
) -> None:
    slots = {job_id: slot.worker_id for slot in busy.held_slots() for job_id in slot.job_ids}
    reserved = next(job_id for job_id in slots if busy.ref(job_id).status().state == "waiting")
    before = busy.ref(reserved).status()

    assert busy.call(name, reserved, *arguments, "") == [answer]
    assert busy.ref(reserved).status() == before
    for found in (slots[reserved], "none", "host-1:1"):  # the last two: it has moved since
        assert busy.call(name, reserved, *arguments, found) != [answer]


def test_search_for_a_slot_ends_when_it_is_found(busy: Queue) -> None:
    first, *_, last = (slot for slot in busy.held_slots() if slot.job_ids)

    def calls(job_id: str) -> int:
        sent: list[tuple[str | int, ...]] = []

        def send(*words: str | int) -> Any:
            sent.append(words)
            return busy.read(*words)

        assert run(find_slot(busy.keys.base, job_id), send) in (first.worker_id, last.worker_id)
        return len(sent)

    assert (calls(first.job_ids[0]), calls(last.job_ids[0])) == (1, 3)


@pytest.mark.parametrize(("name", "place_of_left"), [("counts", slice(6, None)), ("held_slots", 1)])
def test_call_looks_at_a_bounded_number_of_slots(busy: Queue, name: str, place_of_left: slice | int) -> None:
    left = busy.call(name, 70)[place_of_left]

    assert len({*left}) == len(left) > INSTANCES - 70 // SLOTS - 1
    (last,) = busy.call(name, 70, left[0])[place_of_left] or left[:1]
    assert last == left[0]


@pytest.fixture
def dead(redis_state: RedisState) -> RedisState:
    """Two instances with a job in each slot, whose leases are over."""
    slots = 70
    for instance in "ab":
        jobs = {f"{instance}{slot}": started(workerId=f"{instance}:{slot}") for slot in range(slots)}
        redis_state.write(
            {
                "instance": {instance: {"slots": slots}},
                "instances": {instance: NOW},
                "active": {f"{instance}:{slot}": [f"{instance}{slot}"] for slot in range(slots)},
                "jobs": jobs,
            }
        )
    return redis_state


def test_reap_requeues_a_bounded_number_of_jobs(dead: RedisState) -> None:
    moved: list[int] = []
    while reaped := dead.call("reap", 3, 10, "", 9_000, 60_000, 15_000, 10**15)[0]:
        moved.append(sum(reaped[1::2]))

    assert max(moved) == MOST_REQUEUED
    state = dead.read()
    assert len(state["wait"]) == sum(moved) == 140
    assert "active" not in state
    assert state["instances"] == {"a": NOW + 9_000, "b": NOW + 9_000}


def test_instance_is_struck_off_when_all_of_its_jobs_are_requeued(dead: RedisState) -> None:
    """A pop of a dead instance may have put jobs into its slots later."""
    dead.redis.hset(dead.keys.instance("a"), "gone", 1)

    assert dead.call("reap", 3, 1, "", 9_000, 60_000, 15_000, 10**15)[0] == ["a", MOST_REQUEUED]
    assert "a" in dead.read()["instances"]
    assert dead.call("reap", 3, 1, "", 9_000, 60_000, 15_000, 10**15)[0] == ["a", 20]
    assert "a" not in dead.read()["instances"]


def test_leave_requeues_a_bounded_number_of_jobs(dead: RedisState) -> None:
    assert dead.call("leave", "a") == [MOST_REQUEUED, 1]
    assert dead.read()["instances"].keys() == {"a", "b"}

    assert dead.call("leave", "a") == [20]
    assert len(dead.read()["wait"]) == 70
    assert dead.read()["instances"].keys() == {"b"}
