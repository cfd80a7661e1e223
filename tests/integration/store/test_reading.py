"""Reading a queue: jobs by state, slots, and the location of a job."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from preppath_workers.config.model import RateLimit
from preppath_workers.queue import NewJob, Queue
from preppath_workers.queue.explain import explain
from preppath_workers.store.consuming.outcome import Completed, Failed
from preppath_workers.store.reading.listing import HeldSlot, Listed
from preppath_workers.store.reading.location import JobLocation

from .consumer_steps import OpenConsumer, done, next_job, settle_and_fetch
from .redis_state import NOW, RedisState

#: Two starts in a second.
LIMIT = RateLimit(2, 1)


def ids(queue: Queue, state: Listed, start: int = 0, count: int = 50) -> list[str]:
    return [job.id for job in queue.jobs(state, start, count)]


def test_jobs_of_each_state_are_listed(queue: Queue, open_consumer: OpenConsumer) -> None:
    consumer, other = open_consumer(), open_consumer(number=1)
    queue.enqueue_many(NewJob({}, id=name) for name in ("done", "done-later", "dead", "runs", "a", "b"))
    queue.enqueue({}, id="later", delay=100)
    queue.enqueue({}, id="soon", delay=50)
    for name in ("done", "done-later"):
        job = next_job(consumer)
        assert job.id == name
        consumer.settle(done(job, Completed("{}")))
    consumer.settle(done(next_job(consumer), Failed("{}", "permanent")))
    assert next_job(consumer).id == "runs"
    queue.pause()
    settle_and_fetch(other)  # a is in flight and cannot start

    assert ids(queue, "waiting") == ["a", "b"]
    assert ids(queue, "active") == ["runs"]
    assert ids(queue, "delayed") == ["soon", "later"]
    assert ids(queue, "failed") == ["dead"]
    assert ids(queue, "completed") == ["done-later", "done"]
    assert [slot.job_ids for slot in queue.held_slots()] == [["runs"], ["a"]]


def test_jobs_waiting_lists_jobs_in_flight_first(
    queue: Queue, open_consumer: OpenConsumer, redis: Redis
) -> None:
    queue.enqueue_many(NewJob({}, id=f"{number}") for number in range(10))
    queue.pause()
    for number in range(2):
        settle_and_fetch(open_consumer(number=number))
    pages = [ids(queue, "waiting", start, 3) for start in range(0, 12, 3)]
    assert pages == [["0", "1", "2"], ["3", "4", "5"], ["6", "7", "8"], ["9"]]


def test_jobs_waiting_lists_reserved_jobs_in_the_order_in_which_they_start(
    queue: Queue, open_consumer: OpenConsumer
) -> None:
    queue.enqueue_many(NewJob({}, id=f"{number}") for number in range(5))
    first = open_consumer(rate_limit=LIMIT)
    for _ in range(2):
        first.settle(done(next_job(first), Completed("{}")))
    for number in (3, 1):  # not in the order of their slots
        settle_and_fetch(open_consumer(number=number, rate_limit=LIMIT))
    (last,) = (slot.worker_id for slot in queue.held_slots() if slot.job_ids == ["3"])
    queue.redis.zincrby(queue.keys.reservations, 50, last)  # both may be of the same millisecond
    listed = ids(queue, "waiting")
    assert listed == ["2", "3", "4"]
    assert [queue.locate(job_id, LIMIT).ahead for job_id in listed] == [0, 1, 2]


def test_jobs_waiting_leaves_out_raw_pushes(queue: Queue, redis: Redis) -> None:
    queue.enqueue({}, id="a")
    redis.lpush(queue.keys.wait, '{"text": "raw"}')
    assert ids(queue, "waiting") == ["a"]


def test_held_slots_have_the_lease_of_their_instance(redis_state: RedisState, redis: Redis) -> None:
    redis_state.call("heartbeat", "host", 15_000, 1, 0, 0, 0, 0)
    (slot,) = Queue("tts", redis, redis_state.keys.prefix).held_slots()
    assert (slot.worker_id, slot.job_ids) == ("host:0", [])
    assert slot.lease_ms == pytest.approx(NOW + 15_000 - redis.time()[0] * 1000, abs=60_000)
    assert isinstance(slot, HeldSlot)


def test_locate_of_a_waiting_job_has_its_place_and_token_time(
    queue: Queue, open_consumer: OpenConsumer
) -> None:
    queue.enqueue_many(NewJob({}, id=f"{number}") for number in range(8))
    consumer = open_consumer(rate_limit=LIMIT)
    for _ in range(2):
        consumer.settle(done(next_job(consumer), Completed("{}")))

    places = [queue.locate(f"{number}", LIMIT) for number in range(2, 8)]

    assert [location.ahead for location in places] == list(range(6))
    tokens = [location.token_ms or 0 for location in places]
    # Two tokens are free after one second, and two more each second after that.
    assert [round(ms / 1000 + 0.2) for ms in tokens] == [1, 1, 2, 2, 3, 3]


def test_locate_with_free_tokens_has_no_token_time(queue: Queue) -> None:
    queue.enqueue({}, id="a")
    assert queue.locate("a", LIMIT).token_ms == 0
    assert queue.locate("a", None).token_ms is None


def test_locate_of_an_active_or_delayed_job_has_its_slot_or_due_time(
    queue: Queue, open_consumer: OpenConsumer
) -> None:
    queue.enqueue({}, id="a")
    queue.enqueue({}, id="d", delay=60)
    next_job(open_consumer())

    location = queue.locate("a", None)
    assert (location.worker_id, location.workers, location.ahead) == ("host:0", 1, None)
    assert location.lease_ms is not None
    assert 0 < location.lease_ms <= 15_000
    due = queue.locate("d", None)
    assert due.due is not None
    assert 55_000 < due.due - due.at <= 60_000


def test_locate_of_a_job_that_is_delayed_without_end_has_a_due_time_out_of_range(queue: Queue) -> None:
    queue.enqueue({}, id="d", delay=60)
    queue.redis.zadd(queue.keys.delayed, {"d": float("inf")})
    location = queue.locate("d", None)
    assert location.due == 2**53
    assert explain(queue.ref("d").status(), location, queue.gate()) == f"scheduled for {2**53}"


def test_locate_of_an_unknown_job_is_empty(queue: Queue) -> None:
    location = queue.locate("unknown", LIMIT)
    assert location == JobLocation(at=location.at, workers=0)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (("dead",), "state must be one of waiting, active, delayed, failed, completed, not 'dead'"),
        (("waiting", -1), "start must be a whole number from 0 to"),
    ],
)
def test_jobs_of_an_unknown_state_or_place_are_refused(
    queue: Queue, page: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        queue.jobs(*page)
