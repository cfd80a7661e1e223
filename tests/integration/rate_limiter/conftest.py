from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from redis import Redis

from preppath_workers.store.keys import Keys
from tests.integration.store.redis_state import RedisState

NewRedisState = Callable[[], RedisState]


@pytest.fixture
def new_redis_state(redis_url: str, key_prefix: str) -> Iterator[NewRedisState]:
    """Create an empty queue on the real server for each example; the previous one is removed."""
    numbers = count()
    with Redis.from_url(redis_url, decode_responses=True, encoding_errors="surrogateescape") as client:

        def make() -> RedisState:
            for key in client.scan_iter(match=f"{key_prefix}*", count=1_000):
                client.delete(key)
            return RedisState(client, Keys(f"{key_prefix}-{next(numbers)}", "tts"))

        yield make
