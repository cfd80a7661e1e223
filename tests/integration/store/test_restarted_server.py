"""Producers while Redis restarts: a call that meets it is repeated for some seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from preppath_workers import AsyncQueue, Queue
from tests.support.redis import RedisServer

PERSISTENT = {"appendonly": "yes", "appendfsync": "always"}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A server that keeps its jobs over a restart, and that producers find by `REDIS_URL`."""
    with RedisServer(directory=tmp_path, settings=PERSISTENT) as started:
        monkeypatch.setenv("REDIS_URL", started.url)
        yield started


def restart(server: RedisServer) -> None:
    server.stop()
    server.start()


def test_enqueue_while_the_server_is_away_adds_the_job_once_it_is_back(server: RedisServer) -> None:
    queue = Queue.from_env("tts")
    queue.enqueue({}, id="a")
    server.stop()
    with ThreadPoolExecutor() as threads:
        call = threads.submit(queue.enqueue, {}, id="b")
        server.start()
        assert call.result().created
    assert queue.counts().waiting == 2


def test_first_call_while_the_server_is_away_waits_for_it(server: RedisServer) -> None:
    server.stop()
    with ThreadPoolExecutor() as threads:
        call = threads.submit(Queue.from_env("tts").enqueue, {}, id="a")
        server.start()
        assert call.result().created


def test_async_enqueue_after_a_restart_leaves_the_closed_connections_of_the_pool(server: RedisServer) -> None:
    async def use_queue() -> int:
        async with AsyncQueue.from_env("tts") as queue:
            await asyncio.gather(*(queue.enqueue({}) for _ in range(5)))
            await asyncio.to_thread(restart, server)
            await asyncio.gather(*(queue.enqueue({}) for _ in range(10)))
            return (await queue.counts()).waiting

    assert asyncio.run(use_queue()) == 15


def test_async_enqueue_while_the_server_is_away_adds_the_job_once_it_is_back(server: RedisServer) -> None:
    async def use_queue() -> bool:
        async with AsyncQueue.from_env("tts") as queue:
            server.stop()
            call = asyncio.create_task(queue.enqueue({}, id="a"))
            await asyncio.to_thread(server.start)
            return (await call).created

    assert asyncio.run(use_queue())


def test_enqueue_at_a_server_that_stays_away_raises_its_error(server: RedisServer) -> None:
    server.stop()
    with pytest.raises(RedisConnectionError, match="Connection refused"):
        Queue.from_env("tts").enqueue({})
