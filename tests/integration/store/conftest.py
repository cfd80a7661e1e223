from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis import Redis

from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig
from preppath_workers.queue import Queue
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.store.keys import Keys
from tests.support.minimal_env import MINIMAL_ENV

from .consumer_steps import CONSUMER, OpenConsumer
from .redis_state import RedisState


@pytest.fixture
def text_redis(redis_url: str) -> Iterator[Redis]:
    """A client of the real server that accepts text which isn't UTF-8, as ours do."""
    with Redis.from_url(redis_url, decode_responses=True, encoding_errors="surrogateescape") as client:
        yield client


@pytest.fixture
def redis_state(text_redis: Redis, key_prefix: str) -> RedisState:
    """An empty queue on the real server."""
    return RedisState(text_redis, Keys(key_prefix, "tts"))


@pytest.fixture
def queue(redis: Redis, key_prefix: str) -> Queue:
    """An empty queue for producers, on the real server."""
    return Queue("tts", redis, key_prefix)


@pytest.fixture
def open_consumer(redis_url: str, key_prefix: str) -> Iterator[OpenConsumer]:
    """Open a consumer with that slot number; the other arguments are its queue's settings."""
    consumers: list[Consumer] = []
    url = f"{redis_url}{'&' if '?' in redis_url else '?'}client_name={CONSUMER}"

    def start(number: int = 0, now: str = "", **settings: object) -> Consumer:
        config = load({**MINIMAL_ENV, "REDIS_URL": url, "KEY_PREFIX": key_prefix}, [])
        queue_config = replace(QueueConfig("tts"), **settings)  # type: ignore[arg-type] # the test names its fields
        consumers.append(Consumer(config, queue_config, "host", number, now=now, chance=lambda: 0.0))
        return consumers[-1]

    yield start
    for consumer in consumers:
        consumer.disconnect()
