"""Consumer, on the real server with its real blocking pop."""

from __future__ import annotations

import threading

import pytest
from redis import Redis

from preppath_workers.config.model import RateLimit
from preppath_workers.errors import JobLost
from preppath_workers.queue import NewJob, Queue
from preppath_workers.store.consuming.consumer import Consumer, Wait
from preppath_workers.store.consuming.outcome import Completed, Failed, Outcome, Released
from preppath_workers.store.job import Job
from tests.support.waiting import eventually

from .consumer_steps import OpenConsumer, done, is_popping, next_job, settle_and_fetch


def test_settle_and_fetch_settles_a_job_and_starts_the_next(
    queue: Queue, open_consumer: OpenConsumer
) -> None:
    consumer = open_consumer()
    for name in ("a", "b"):
        queue.enqueue({"name": name}, id=name)

    first = next_job(consumer)
    assert (first.id, first.data, first.state, first.worker_id, first.fencing_token) == (
        "a",
        {"name": "a"},
        "active",
        "host:0",
        "1",
    )

    settlement = consumer.settle_and_fetch(done(first, Completed('{"n":1}')))
    assert settlement is not None
    assert (settlement.verdict, settlement.finished.job) == ("completed", first)
    second = consumer.next_job()

    assert isinstance(second, Job)
    assert second.id == "b"
    found = queue.get("a")
    assert found is not None
    assert (found.state, found.result) == ("completed", {"n": 1})


def test_settle_and_fetch_returns_the_settlement_before_the_pop_blocks(
    queue: Queue, open_consumer: OpenConsumer, redis: Redis
) -> None:
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    job = next_job(consumer)

    settlement = consumer.settle_and_fetch(done(job, Completed("{}")))

    assert settlement is not None
    assert settlement.verdict == "completed"
    assert consumer.next_job() is None
    consumer.settle_and_fetch()
    eventually(lambda: is_popping(redis))
    queue.enqueue({}, id="b")
    following = consumer.next_job()
    assert isinstance(following, Job)
    assert following.id == "b"


@pytest.mark.parametrize(
    ("outcome", "verdict", "delay_ms", "reason"),
    [
        (Completed("{}"), "completed", 0, ""),
        (Failed('{"class":"E"}', "unknown"), "delayed", 1_000, ""),
        (Failed('{"class":"E"}', "unknown", retry_after_ms=7_000), "delayed", 7_000, ""),
        (Failed('{"class":"E"}', "invalid"), "dead", 0, "invalid"),
        (Released(), "released", 0, ""),
        (Released(hold_ms=5, reason="why"), "released", 0, ""),
    ],
)
def test_settle_of_each_outcome_has_its_verdict(
    queue: Queue, open_consumer: OpenConsumer, outcome: Outcome, verdict: str, delay_ms: int, reason: str
) -> None:
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    finished = done(next_job(consumer), outcome)

    for _ in range(2):  # as after a lost reply
        settlement = consumer.settle(finished)
        assert settlement is not None
        assert settlement.finished is finished
        assert (settlement.verdict, settlement.reason) == (verdict, reason)
        assert delay_ms - 2_000 < settlement.delay_ms <= delay_ms


def test_next_job_with_jobs_in_flight_takes_them_first(
    queue: Queue, open_consumer: OpenConsumer, redis: Redis
) -> None:
    consumer = open_consumer()
    for name in ("a", "b", "c"):
        queue.enqueue({}, id=name)
    for _ in range(2):  # as pops with lost replies do
        redis.rpoplpush(queue.keys.wait, queue.keys.active(consumer.worker_id))

    first = settle_and_fetch(consumer)
    assert isinstance(first, Job)
    second = settle_and_fetch(consumer, done(first, Completed("{}")))

    assert isinstance(second, Job)
    assert (first.id, second.id) == ("a", "b")
    assert redis.lrange(queue.keys.wait, 0, -1) == ["c"]


def test_next_job_without_a_token_waits_with_the_job_in_flight(
    queue: Queue, open_consumer: OpenConsumer
) -> None:
    consumer = open_consumer(rate_limit=RateLimit(1, 60), now="1000000")
    queue.enqueue_many([NewJob({}, id="a"), NewJob({}, id="b")])
    job = next_job(consumer)

    assert settle_and_fetch(consumer, done(job, Completed("{}"))) == Wait(60.0)
    assert settle_and_fetch(consumer) == Wait(60.0)
    assert queue.counts().waiting == 1

    assert consumer.requeue() == 1
    assert queue.counts().waiting == 1


def test_next_job_of_a_paused_queue_waits_a_second(queue: Queue, open_consumer: OpenConsumer) -> None:
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    queue.pause()
    assert settle_and_fetch(consumer) == Wait(1.0)
    queue.resume()

    job = settle_and_fetch(consumer)

    assert isinstance(job, Job)


def test_progress_and_checkpoint_are_kept_for_the_next_attempt(
    queue: Queue, open_consumer: OpenConsumer
) -> None:
    consumer = open_consumer(backoff=0)
    queue.enqueue({}, id="a")
    job = next_job(consumer)
    running_job = consumer.running_job
    running_job.begin(job)

    running_job.progress(job, 40)
    running_job.checkpoint(job, "transcript", '"text"')
    consumer.settle(done(job, Released()))
    again = next_job(consumer)

    assert (again.progress, again.checkpoints, again.fencing_token, again.attempts) == (
        40,
        {"transcript": '"text"'},
        "2",
        1,
    )
    with pytest.raises(JobLost):
        running_job.progress(job, 50)
    with pytest.raises(JobLost):
        running_job.checkpoint(job, "transcript", '"other"')
    settlement = consumer.settle(done(job, Completed("{}")))
    assert settlement is not None
    assert settlement.verdict == "lost"


def test_recover_by_a_successor_requeues_the_job_of_a_dead_worker(
    queue: Queue, open_consumer: OpenConsumer
) -> None:
    queue.enqueue({}, id="a")
    dead = next_job(open_consumer(recoveries=1))

    successor = open_consumer(recoveries=1)
    assert (successor.recover().ids, successor.recover().ids) == (["a"], [])
    job = next_job(successor)
    assert (job.id, job.attempts, job.recoveries, job.fencing_token) == ("a", 2, 1, "2")

    settlement = successor.settle(done(dead, Completed("{}")))
    assert settlement is not None
    assert settlement.verdict == "lost"

    recovered = open_consumer(recoveries=1).recover()
    assert recovered.ids == []
    assert [(buried.id, buried.reason) for buried in recovered.dead] == [("a", "worker-died")]


def test_consumers_that_compete_never_get_the_same_job(queue: Queue, open_consumer: OpenConsumer) -> None:
    ids = [f"j{number:03}" for number in range(60)]
    seen: list[str] = []

    def consume(slot: Consumer) -> None:
        finished = None
        while True:
            job = settle_and_fetch(slot, finished)
            finished = None
            if isinstance(job, Job):
                finished = done(job, Completed("{}"))
                if job.data == {"stop": True}:
                    slot.settle(finished)
                    return
                seen.append(job.id)

    consumers = [threading.Thread(target=consume, args=(open_consumer(number),)) for number in range(3)]
    for consumer in consumers:
        consumer.start()
    queue.enqueue_many(NewJob({}, id=job_id) for job_id in ids)
    for _ in consumers:
        queue.enqueue({"stop": True}, priority=100)
    for consumer in consumers:
        consumer.join(20)

    assert sorted(seen) == ids
    assert queue.counts().completed == 63
