"""JobRef: what a producer may do with a job that it added, on the real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from preppath_workers import JobFailed, NewJob, Queue, UnknownJob
from preppath_workers.queue import JobRef
from preppath_workers.store.consuming.outcome import Completed, Failed, Finished
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .consumer_steps import OpenConsumer

DEATH = Failed('{"class":"PermanentError","message":"no"}', "permanent", words="no")


@pytest.fixture(params=[True, False], ids=["text", "bytes"])
def producer(request: pytest.FixtureRequest, redis_url: str, key_prefix: str) -> Iterator[Queue]:
    with Redis.from_url(redis_url, decode_responses=request.param, socket_timeout=1) as client:
        yield Queue("tts", client, key_prefix)


def finish(open_consumer: OpenConsumer, outcome: Completed | Failed) -> None:
    """Run the next job to this outcome, and let the fast path settle it."""
    consumer = open_consumer(0)
    consumer.settle_and_fetch()
    job = consumer.next_job()
    consumer.settle_and_fetch(Finished(job, outcome, 1))  # type: ignore[arg-type] # there is one
    consumer.next_job()


def is_awaited(queue: Queue, ref: JobRef) -> bool:
    return "awaited" in ref.status().fields


def test_wait_returns_the_result_of_a_job_that_has_ended(
    producer: Queue, open_consumer: OpenConsumer
) -> None:
    ref = producer.enqueue({})
    finish(open_consumer, Completed('{"bytes":3}'))
    assert ref.wait(1) == {"bytes": 3}


def test_wait_of_several_clients_returns_when_the_job_ends(
    producer: Queue, open_consumer: OpenConsumer
) -> None:
    ref = producer.enqueue({})
    with ThreadPoolExecutor() as threads:
        waits = [threads.submit(ref.wait, 30) for _ in range(3)]
        eventually(lambda: producer.redis.info("clients")["blocked_clients"] >= 3)
        ended = time.monotonic()
        finish(open_consumer, Completed('"done"'))
        assert [wait.result() for wait in waits] == ["done"] * 3
        assert time.monotonic() - ended < 1  # not after the commands' own time
    assert 0 < producer.redis.pttl(producer.keys.ended(ref.id)) <= 60_000


def test_wait_longer_than_the_timeout_of_the_client_goes_on(
    producer: Queue, open_consumer: OpenConsumer
) -> None:
    ref = producer.enqueue({})
    timer = threading.Timer(1.5, finish, (open_consumer, Completed("1")))
    timer.start()
    assert ref.wait(30) == 1
    timer.join()


def test_wait_for_a_job_that_fails_raises_its_error(producer: Queue, open_consumer: OpenConsumer) -> None:
    ref = producer.enqueue({}, id="j")
    with ThreadPoolExecutor() as threads:
        wait = threads.submit(ref.wait, 30)
        eventually(lambda: is_awaited(producer, ref))
        finish(open_consumer, DEATH)
        with pytest.raises(
            JobFailed, match=r"job j of queue tts failed \(permanent\): PermanentError: no"
        ) as e:
            wait.result()
    assert (e.value.reason, e.value.error) == ("permanent", {"class": "PermanentError", "message": "no"})


def test_wait_for_a_job_that_is_cancelled_raises_job_failed(producer: Queue) -> None:
    ref = producer.enqueue({})
    with ThreadPoolExecutor() as threads:
        wait = threads.submit(ref.wait, 30)
        eventually(lambda: is_awaited(producer, ref))
        assert ref.cancel() == "cancelled"
        with pytest.raises(JobFailed, match="was cancelled"):
            wait.result()


def test_wait_after_a_replay_waits_for_the_new_end(producer: Queue, open_consumer: OpenConsumer) -> None:
    ref = producer.enqueue({})
    with pytest.raises(TimeoutError, match="did not end within 0 s: it is waiting"):
        ref.wait(0)
    finish(open_consumer, DEATH)
    assert producer.replay([ref.id]) == 1
    with pytest.raises(TimeoutError):
        ref.wait(0.2)
    finish(open_consumer, Completed("2"))
    assert ref.wait(0) == 2


def test_wait_for_an_unknown_job_raises_unknown_job(producer: Queue) -> None:
    with pytest.raises(UnknownJob):
        producer.ref("nowhere").wait(1)
    with pytest.raises(UnknownJob):
        producer.ref("nowhere").status()


def test_completion_without_a_waiting_client_announces_nothing(
    producer: Queue, open_consumer: OpenConsumer
) -> None:
    ref = producer.enqueue({})
    finish(open_consumer, Completed("1"))
    assert not producer.redis.exists(producer.keys.ended(ref.id))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(
            (name, wrong)
            for name in ("delay", "expires")
            for wrong in ("5", True, timedelta(5), float("nan"))
        ),
        *((name, odd) for name in ("id", "group") for odd in (5, b"x", ["x"])),
        *(("priority", odd) for odd in (True, 1.0, "1", None)),
        ("delay", None),
        ("at", "2030-01-01"),
        ("at", date(2030, 1, 1)),
        ("at", 5),
    ],
)
def test_argument_of_another_type_is_refused_by_name(name: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} "):
        NewJob({}, **{name: wrong}).encode()


def test_wait_for_no_number_of_seconds_is_refused(producer: Queue) -> None:
    with pytest.raises(ValueError, match="timeout must be a number of seconds"):
        producer.enqueue({}).wait(float("nan"))


def test_queue_from_env_uses_the_variables(
    monkeypatch: pytest.MonkeyPatch, redis_url: str, key_prefix: str, queue: Queue
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("KEY_PREFIX", key_prefix)
    ref = Queue.from_env("tts").enqueue({"n": 1})
    job = queue.get(ref.id)
    assert job is not None
    assert job.data == {"n": 1}


@pytest.fixture
def own_queue() -> Iterator[Queue]:
    """A queue on a server of its own, which the test may hinder."""
    with RedisServer() as server, Redis.from_url(server.url, decode_responses=True) as client:
        yield Queue("tts", client)


def is_busy(queue: Queue) -> bool:
    try:
        queue.redis.ping()
    except ResponseError as error:
        return str(error).startswith("BUSY")
    return False


def test_wait_goes_on_while_redis_runs_a_slow_script(own_queue: Queue) -> None:
    ref = own_queue.enqueue({})
    own_queue.redis.config_set("lua-time-limit", 10)
    slow = "local past = redis.call('TIME')[1] + 2 while redis.call('TIME')[1] + 0 < past do end"
    with ThreadPoolExecutor() as threads:
        script = threads.submit(own_queue.redis.eval, slow, 0)
        eventually(lambda: is_busy(own_queue))
        wait = threads.submit(ref.wait, 30)
        script.result()
        assert ref.cancel() == "cancelled"
        with pytest.raises(JobFailed):
            wait.result()


def test_wait_goes_on_while_redis_is_out_of_memory(own_queue: Queue) -> None:
    ref = own_queue.enqueue({})
    own_queue.redis.config_set("maxmemory", 1)
    with pytest.raises(TimeoutError):
        ref.wait(0.3)
    with ThreadPoolExecutor() as threads:
        wait = threads.submit(ref.wait, 30)
        time.sleep(0.3)
        assert ref.cancel() == "cancelled"
        with pytest.raises(JobFailed):
            wait.result()
