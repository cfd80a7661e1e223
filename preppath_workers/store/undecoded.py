"""Reads answers that may contain bytes that aren't UTF-8, which any client can push and a redis-py client
with `decode_responses=True` cannot decode."""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.client import NEVER_DECODE, Pipeline

from .job import text


class Undecoded:
    """Runs commands of a redis-py client and decodes the answers itself."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def __call__(self, *words: str | int) -> Any:
        """Return the answer to a command, as text with a surrogate for each byte that isn't UTF-8."""
        return decoded(self._redis.execute_command(*words, **{NEVER_DECODE: True}))


def hgetall(pipeline: Pipeline, key: str) -> None:
    """Queue an HGETALL in a pipeline, its answer left as bytes."""
    pipeline.execute_command("HGETALL", key.encode("utf-8", "surrogateescape"), **{NEVER_DECODE: True})


def decoded(answer: Any) -> Any:
    """Return the answer as text, with a surrogate for each byte that isn't UTF-8."""
    if isinstance(answer, bytes):
        return text(answer)
    if isinstance(answer, list):
        return [decoded(each) for each in answer]
    if isinstance(answer, dict):
        return {text(name): text(value) for name, value in answer.items()}
    return answer
