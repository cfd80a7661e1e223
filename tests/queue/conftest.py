from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis import Redis

from preppath_workers.config import load
from preppath_workers.queue.keys import Keys
from preppath_workers.queue.queue import Queue
from preppath_workers.queue.slot import Slot
from preppath_workers.settings import QueueConfig
from tests.nowhere import NOWHERE

from .bench import Bench
from .turns import CONSUMER, OpenSlot


@pytest.fixture
def text_redis(redis_url: str) -> Iterator[Redis]:
    """A client of the real server that bears text which is no UTF-8, as ours do."""
    with Redis.from_url(redis_url, decode_responses=True, encoding_errors="surrogateescape") as client:
        yield client


@pytest.fixture
def bench(text_redis: Redis, key_prefix: str) -> Bench:
    """An empty queue on the real server."""
    return Bench(text_redis, Keys(key_prefix, "tts"))


@pytest.fixture
def queue(redis: Redis, key_prefix: str) -> Queue:
    """An empty queue as its producers see it, on the real server."""
    return Queue("tts", redis, key_prefix)


@pytest.fixture
def open_slot(redis_url: str, key_prefix: str) -> Iterator[OpenSlot]:
    """Opens a slot of that number, of one instance; the other arguments are its queue's settings."""
    slots: list[Slot] = []
    url = f"{redis_url}{'&' if '?' in redis_url else '?'}client_name={CONSUMER}"

    def start(number: int = 0, now: str = "", **settings: object) -> Slot:
        config = load({**NOWHERE, "REDIS_URL": url, "KEY_PREFIX": key_prefix}, [])
        kind = replace(QueueConfig("tts"), **settings)  # type: ignore[arg-type] # the test names its fields
        slots.append(Slot(config, kind, "host", number, now=now, chance=lambda: 0.0))
        return slots[-1]

    yield start
    for slot in slots:
        slot.disconnect()
