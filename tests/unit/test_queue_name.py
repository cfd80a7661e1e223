"""The names that a producer's queue may have."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from preppath_workers import AsyncQueue, Queue

WRONG = ["", "a b", "TTS", "preppath:{tts}", "tts:", "{tts}", "tts\n", "1st", "é", "t" * 65]


@pytest.mark.parametrize("name", WRONG)
def test_queue_with_a_name_that_no_worker_could_work_on_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected a name of lower-case letters"):
        Queue(name, Redis())
    with pytest.raises(ValueError, match="expected a name of lower-case letters"):
        AsyncQueue(name, AsyncRedis())


@pytest.mark.parametrize("name", ["tts", "own-job_2", "t" * 64])
def test_queue_with_a_name_of_a_job_is_accepted(name: str) -> None:
    assert Queue(name, Redis()).name == name
    assert AsyncQueue(name, AsyncRedis()).name == name
