"""Queues that a newer release has written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from preppath_workers import NewerLayout, Queue
from preppath_workers.store.keys import LAYOUT, Keys
from preppath_workers.store.layout import LayoutCheck


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
    ],
    ids=["enqueue", "counts", "pause", "jobs", "health"],
)
def test_queue_of_a_newer_layout_is_neither_changed_nor_read(
    newer: Queue, redis: Redis, use: Callable[[Queue], object]
) -> None:
    with pytest.raises(NewerLayout, match=f"queue tts has layout {LAYOUT + 1}, this version knows {LAYOUT}"):
        use(newer)
    assert redis.keys(f"{newer.keys.base}*") == [newer.keys.meta]


def test_layout_check_looks_once_not_for_each_call() -> None:
    looks = []
    check = LayoutCheck(Keys("preppath", "tts"), lambda *words: looks.append(words))
    for _ in range(3):
        check()
    assert looks == [("HGET", "preppath:{tts}:meta", "layout")]
