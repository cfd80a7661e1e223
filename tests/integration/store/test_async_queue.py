"""AsyncQueue: the producer's API for asyncio, on the real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis import Redis
from redis import asyncio as redis_asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from preppath_workers import AsyncQueue, Durability, JobFailed, NewJob, NotReplicated, Queue, UnknownJob
from preppath_workers.store.connections.async_connection import close_idle
from preppath_workers.store.consuming.outcome import Completed, Finished
from preppath_workers.store.reading.reader import Counts
from tests.support.waiting import eventually

from .consumer_steps import OpenConsumer


@asynccontextmanager
async def opened(url: str, prefix: str, decode: bool) -> AsyncIterator[AsyncQueue]:
    async with redis_asyncio.Redis.from_url(url, decode_responses=decode) as client:
        await client.script_flush()
        yield AsyncQueue("tts", client, prefix)


@pytest.mark.parametrize("decode", [True, False], ids=["text", "bytes"])
def test_async_queue_adds_finds_and_changes_jobs(
    redis_url: str, key_prefix: str, queue: Queue, decode: bool
) -> None:
    async def use_queue() -> None:
        async with opened(redis_url, key_prefix, decode) as tts:
            ref = await tts.enqueue({"text": "é"}, id="a", priority=7)
            assert ref.created
            assert not (await tts.enqueue({}, id="a")).created
            assert (await ref.status()).data == {"text": "é"}
            assert await tts.get("none") is None
            later, *_ = await tts.enqueue_many([NewJob({}, delay=60), NewJob({}, id="b")])
            assert await tts.promote(later.id) == "waiting"
            assert await tts.prioritize("b", 1) == "waiting"
            assert await tts.counts() == Counts(3, 0, 0, 0, 0, 0)
            assert await tts.ref("b").cancel() == "cancelled"
            await tts.pause()
            assert queue.gate().paused
            await tts.resume()
            assert not queue.gate().paused
            with pytest.raises(UnknownJob):
                await tts.cancel("none")

    asyncio.run(use_queue())


def test_async_wait_returns_the_result_and_leaves_the_loop_free(
    redis_url: str, key_prefix: str, open_consumer: OpenConsumer
) -> None:
    async def use_queue() -> None:
        async with opened(redis_url, key_prefix, False) as tts:
            ref = await tts.enqueue({})
            waiting = asyncio.create_task(ref.wait(10))
            while "awaited" not in (await ref.status()).fields:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(finish)
            assert await waiting == "done"
            cancelled = await tts.enqueue({})
            await cancelled.cancel()
            with pytest.raises(JobFailed, match="was cancelled"):
                await cancelled.wait(1)
            with pytest.raises(TimeoutError):
                await (await tts.enqueue({})).wait(0.05)

    def finish() -> None:
        consumer = open_consumer()
        consumer.settle_and_fetch()
        job = consumer.next_job()
        consumer.settle(Finished(job, Completed('"done"'), 1))  # type: ignore[arg-type] # there is one

    asyncio.run(use_queue())


def test_async_queue_that_is_durable_says_what_is_not_replicated(redis_url: str, key_prefix: str) -> None:
    async def use_queue() -> None:
        async with opened(redis_url, key_prefix, True) as tts:
            durable = AsyncQueue("tts", tts.redis, key_prefix, durable=Durability(seconds=0.01))
            with pytest.raises(NotReplicated):
                await durable.enqueue({}, id="j")
            assert (await tts.ref("j").status()).state == "waiting"

    asyncio.run(use_queue())


def test_tasks_beside_one_that_closes_idle_connections_keep_theirs(redis_url: str, key_prefix: str) -> None:
    """As after each job that is not replicated in time."""

    async def run() -> None:
        client = redis_asyncio.Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0))
        async with AsyncQueue("tts", client, key_prefix) as queue:
            for _ in range(20):
                await asyncio.gather(*(queue.get("j") for _ in range(10)))  # idle from now on
                closing = asyncio.create_task(close_idle(client.connection_pool))
                await asyncio.gather(*(queue.get("j") for _ in range(10)))
                await closing

    asyncio.run(run())


def test_async_queue_from_env_uses_the_variables_and_closes_its_connections(
    monkeypatch: pytest.MonkeyPatch, redis_url: str, key_prefix: str, queue: Queue, redis: Redis
) -> None:
    name = f"client-of-{key_prefix}"
    monkeypatch.setenv("REDIS_URL", f"{redis_url}?client_name={name}")
    monkeypatch.setenv("KEY_PREFIX", key_prefix)

    def is_connected() -> bool:
        return any(client["name"] == name for client in redis.client_list())

    async def use_queue() -> str:
        async with AsyncQueue.from_env("tts") as tts:
            ref = await tts.enqueue({})
            assert is_connected()
        assert eventually(lambda: not is_connected())
        return ref.id

    assert queue.get(asyncio.run(use_queue()))


def test_many_tasks_at_once_all_get_a_connection(
    redis_url: str, key_prefix: str, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("KEY_PREFIX", key_prefix)

    async def use_queue() -> None:
        async with AsyncQueue.from_env("tts") as tts:
            ref = await tts.enqueue({}, delay=60)
            waiting = [asyncio.create_task(ref.wait(30)) for _ in range(120)]
            adding = [asyncio.create_task(tts.enqueue({}, id=f"j{number}")) for number in range(400)]
            await asyncio.sleep(0)
            for task in adding[::2]:
                task.cancel()
            added = await asyncio.gather(*adding, return_exceptions=True)
            assert [each.id for each in added[1::2] if not isinstance(each, BaseException)] == [
                f"j{number}" for number in range(1, 400, 2)
            ]
            await ref.cancel()
            ends = await asyncio.gather(*waiting, return_exceptions=True)
            assert {type(end) for end in ends} == {JobFailed}

    asyncio.run(use_queue())


def test_async_queue_counts_and_closes_a_group(redis_url: str, key_prefix: str, queue: Queue) -> None:
    async def use_queue() -> None:
        async with opened(redis_url, key_prefix, decode=True) as tts:
            await tts.enqueue({}, group="g")
            assert await tts.group("g") == queue.group("g")
            assert (await tts.close_group("g")) == queue.group("g")
            assert await tts.group("none") is None

    asyncio.run(use_queue())
