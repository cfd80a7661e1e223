from __future__ import annotations

import pytest

from ..redis_state import RedisState
from ..state_table import HOST
from .steps import add, gate, start_and_fail


@pytest.fixture
def queue(redis_state: RedisState) -> RedisState:
    """A queue with one live instance with two slots."""
    redis_state.write(HOST)
    return redis_state


@pytest.fixture
def closed(queue: RedisState) -> RedisState:
    """A queue out of service after failures of three jobs; the first probe is due at NOW + 1,000."""
    add(queue, "a", "b", "c")
    for job_id in "abc":
        start_and_fail(queue, job_id)
    assert gate(queue)["service"] == "openai"
    return queue
