"""Consumer after a lost connection, lost scripts or an interrupted call."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig
from preppath_workers.errors import JobTimeout, Shutdown
from preppath_workers.queue import Queue
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.store.consuming.consumer_connection import Connection
from preppath_workers.store.consuming.outcome import Completed, Finished, Released
from preppath_workers.store.job import Job
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.waiting import eventually

from .consumer_steps import OpenConsumer, cut_consumers, done, is_popping, next_job, settle_and_fetch


def test_next_job_with_a_connection_lost_in_the_pop_loses_no_job(
    queue: Queue, open_consumer: OpenConsumer, redis: Redis
) -> None:
    consumer = open_consumer()
    assert settle_and_fetch(consumer) is None
    consumer.settle_and_fetch()
    eventually(lambda: is_popping(redis))
    cut_consumers(redis)

    with pytest.raises(RedisConnectionError):
        consumer.next_job()
    queue.enqueue({}, id="a")

    assert next_job(consumer).id == "a"


def test_consumer_that_connects_tells_how_long_it_may_be_silent_and_then_that_it_has_an_answer(
    redis_url: str, key_prefix: str
) -> None:
    """Nothing can be told while glibc looks up a name, which takes a minute if name servers are silent."""
    beats: list[float] = []
    config = load({**MINIMAL_ENV, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix}, [])
    consumer = Consumer(config, QueueConfig("tts"), "host", 0, lambda ahead=0.0: beats.append(ahead))
    consumer.recover()
    consumer.disconnect()
    assert beats[0] > 60
    assert {*beats[1:]} == {0.0}


def test_settle_and_fetch_whose_fetch_fails_still_returns_the_settlement(
    queue: Queue, open_consumer: OpenConsumer
) -> None:
    """The server refuses the fetch, and there is one reply for both parts."""
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    finished = done(next_job(consumer), Completed("{}"))
    queue.redis.set(queue.keys.reservations, "not a sorted set")
    with pytest.raises(ResponseError):
        consumer.settle_and_fetch(finished)

    settlement = consumer.settle_and_fetch()

    assert settlement is not None
    assert settlement.verdict == "completed"
    with pytest.raises(ResponseError):
        consumer.next_job()
    queue.redis.delete(queue.keys.reservations)
    assert settle_and_fetch(consumer) is None


def test_progress_times_out_despite_signals(
    queue: Queue, open_consumer: OpenConsumer, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal arrives every second in a job, and each would restart the kernel's timeout."""
    monkeypatch.setattr("preppath_workers.store.consuming.consumer.ANSWER_TIMEOUT", 0.5)
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    job = next_job(consumer)
    consumer.running_job.begin(job)
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    redis.client_pause(20_000, all=False)
    try:
        with pytest.raises(RedisTimeoutError):
            consumer.running_job.progress(job, 10)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        redis.client_unpause()

    consumer.running_job.progress(job, 20)
    assert (found := queue.get("a")) is not None
    assert found.progress == 20


@pytest.mark.parametrize("call", ["settle", "settle_and_fetch"])
def test_outcome_whose_call_lost_its_connection_is_settled_by_the_next_one(
    queue: Queue, open_consumer: OpenConsumer, redis: Redis, call: str
) -> None:
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    finished = done(next_job(consumer), Completed('{"n":1}'))
    cut_consumers(redis)
    with pytest.raises(RedisConnectionError):
        getattr(consumer, call)(finished)
    assert queue.counts().active == 1

    settlement = getattr(consumer, call)()

    assert settlement is not None
    assert (settlement.verdict, settlement.finished) == ("completed", finished)
    assert queue.counts().completed == 1
    assert consumer.settle() is None


def test_next_job_after_a_lost_reply_returns_the_same_attempt(
    queue: Queue, open_consumer: OpenConsumer
) -> None:
    """The claim ran, but its reply was never read."""
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    consumer.settle_and_fetch()
    eventually(lambda: queue.counts().active == 1)

    job = settle_and_fetch(consumer)

    assert isinstance(job, Job)
    assert (job.id, job.fencing_token, job.attempts) == ("a", "1", 1)


def test_next_job_after_script_flush_loads_the_scripts_again(
    queue: Queue, open_consumer: OpenConsumer, redis: Redis
) -> None:
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    queue.enqueue({}, id="b")
    finished = done(next_job(consumer), Completed("{}"))
    redis.script_flush()

    with pytest.raises(ResponseError, match="NOSCRIPT"):
        consumer.settle_and_fetch(finished)
    following = settle_and_fetch(consumer)

    assert isinstance(following, Job)
    assert following.id == "b"
    assert queue.counts().completed == 1
    assert queue.counts().active == 1


def test_settle_after_an_abandoned_fetch_ignores_its_reply(
    queue: Queue, open_consumer: OpenConsumer, redis: Redis
) -> None:
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    job = next_job(consumer)
    consumer.settle_and_fetch(done(job, Released()))  # the reply is never read

    settlement = consumer.settle(done(job, Completed("{}")))

    assert settlement is not None
    assert settlement.verdict in ("lost", "completed")  # the abandoned fetch may have started it again
    assert consumer.requeue() in (0, 1)
    counts = queue.counts()
    assert (counts.waiting + counts.completed, counts.active) == (1, 0)


def test_requeue_after_an_abandoned_pop_requeues_nothing(
    queue: Queue, open_consumer: OpenConsumer, redis: Redis
) -> None:
    consumer = open_consumer()
    assert settle_and_fetch(consumer) is None
    consumer.settle_and_fetch()
    eventually(lambda: is_popping(redis))

    assert consumer.requeue() == 0
    eventually(lambda: not is_popping(redis))
    queue.enqueue({}, id="a")

    assert queue.counts().waiting == 1
    assert redis.lrange(queue.keys.wait, 0, -1) == ["a"]


def test_requeue_after_an_abandoned_fetch_requeues_the_job(queue: Queue, open_consumer: OpenConsumer) -> None:
    consumer = open_consumer()
    assert settle_and_fetch(consumer) is None
    queue.enqueue({}, id="a")
    consumer.settle_and_fetch()
    eventually(lambda: queue.counts().active == 1)

    assert consumer.requeue() == 1

    job = queue.get("a")
    assert job is not None
    assert (job.state, job.attempts, job.releases) == ("waiting", 0, 1)


def test_settle_after_an_interrupted_command_reads_its_own_reply(
    queue: Queue, open_consumer: OpenConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    job = next_job(consumer)
    consumer.running_job.begin(job)

    def interrupted() -> None:
        raise JobTimeout

    with monkeypatch.context() as patch:
        # A real signal cannot be timed for that gap.
        patch.setattr(consumer._connection, "receive", interrupted)
        with pytest.raises(JobTimeout):
            consumer.running_job.progress(job, 50)
    settlement = consumer.settle(done(job, Completed("{}")))

    assert settlement is not None
    assert settlement.verdict == "completed"


STEPS: dict[str, Callable[[Consumer, Job], object]] = {
    "progress": lambda consumer, job: consumer.running_job.progress(job, 50),
    "recover": lambda consumer, job: consumer.recover(),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_consumer_call_on_a_lost_connection_raises_and_the_next_one_reconnects(
    queue: Queue, open_consumer: OpenConsumer, redis: Redis, step: Callable[[Consumer, Job], object]
) -> None:
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    job = next_job(consumer)
    consumer.running_job.begin(job)
    cut_consumers(redis)

    with pytest.raises(RedisError):
        step(consumer, job)

    again = settle_and_fetch(consumer)
    assert isinstance(again, Job)
    assert again.id == "a"


@pytest.mark.parametrize("call", ["settle", "settle_and_fetch"])
def test_times_of_an_attempt_whose_settlement_is_tried_several_times_are_added_up_once(
    queue: Queue, open_consumer: OpenConsumer, call: str
) -> None:
    consumer = open_consumer()
    queue.enqueue({}, id="a")
    finished = Finished(next_job(consumer), Completed("{}"), duration_ms=4_000)
    queue.redis.set(queue.keys.gate, "not a hash")
    for _ in range(3):
        with pytest.raises(ResponseError):
            getattr(consumer, call)(finished)
    queue.redis.delete(queue.keys.gate)
    getattr(consumer, call)(finished)

    assert queue.durations()["completed"].run.total == 4


def test_consumer_after_an_interrupted_disconnect_reads_no_answer_of_the_old_connection(
    queue: Queue, open_consumer: OpenConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop signal arrives while the connection of a pop is closed. The answer that is still to come, a
    job's id, would be read as the queue's layout."""
    consumer = open_consumer()
    assert settle_and_fetch(consumer) is None
    queue.enqueue({}, id="7")
    consumer.settle_and_fetch()

    def interrupt(_connection: Connection) -> None:
        raise Shutdown

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "disconnect", interrupt)
        with pytest.raises(Shutdown):
            consumer.disconnect()

    assert consumer.requeue() == 1
    assert queue.redis.lrange(queue.keys.wait, 0, -1) == ["7"]
