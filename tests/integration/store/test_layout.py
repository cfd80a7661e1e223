"""Queues that a newer release has written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import pytest
from redis import Redis
from redis import asyncio as redis_asyncio

from preppath_workers import AsyncQueue, NewerLayout, Queue
from preppath_workers.store import layout
from preppath_workers.store.keys import LAYOUT


@pytest.fixture
def newer(redis: Redis, key_prefix: str) -> Queue:
    queue = Queue("tts", redis, key_prefix)
    redis.hset(queue.keys.meta, "layout", LAYOUT + 1)
    return queue


@pytest.mark.parametrize(
    "use",
    [
        lambda queue: queue.enqueue({}),
        lambda queue: queue.enqueue_many([]) or queue.counts(),
        lambda queue: queue.pause(),
        lambda queue: queue.jobs("waiting"),
        lambda queue: queue.health(),
        lambda queue: queue.get("j"),
        lambda queue: queue.gate(),
        lambda queue: queue.statistics(),
    ],
    ids=["enqueue", "counts", "pause", "jobs", "health", "get", "gate", "statistics"],
)
def test_queue_of_a_newer_layout_is_neither_changed_nor_read(
    newer: Queue, redis: Redis, use: Callable[[Queue], object]
) -> None:
    with pytest.raises(NewerLayout, match=f"queue tts has layout {LAYOUT + 1}, this version knows {LAYOUT}"):
        use(newer)
    assert redis.keys(f"{newer.keys.base}*") == [newer.keys.meta]


def test_queue_whose_layout_becomes_newer_is_left_alone_within_a_minute(
    redis: Redis, key_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue("tts", redis, key_prefix)
    queue.enqueue({})
    redis.hset(queue.keys.meta, "layout", LAYOUT + 1)
    queue.enqueue({})
    pass_a_minute(monkeypatch)
    with pytest.raises(NewerLayout):
        queue.enqueue({})


def test_async_queue_whose_layout_becomes_newer_is_left_alone_within_a_minute(
    redis: Redis, redis_url: str, key_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def enqueue() -> None:
        async with AsyncQueue("tts", redis_asyncio.Redis.from_url(redis_url), key_prefix) as queue:
            await queue.enqueue({})
            redis.hset(queue.keys.meta, "layout", LAYOUT + 1)
            await queue.enqueue({})
            pass_a_minute(monkeypatch)
            with pytest.raises(NewerLayout):
                await queue.enqueue({})

    asyncio.run(enqueue())


def pass_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "monotonic", lambda: monotonic() + 60)
