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
        return _texts(self._redis.execute_command(*words, **{NEVER_DECODE: True}))

    def evalsha(self, digest: str, keys: int, *words: str) -> Any:
        """The answer of a script that the server has."""
        return self("EVALSHA", digest, keys, *words)

    def eval(self, script: str, keys: int, *words: str) -> Any:
        """The answer of a script."""
        return self("EVAL", script, keys, *words)


def hgetall(pipeline: Pipeline, key: str) -> None:
    """Queue an HGETALL in a pipeline, its answer left as bytes."""
    pipeline.execute_command("HGETALL", key.encode("utf-8", "surrogateescape"), **{NEVER_DECODE: True})


def _texts(answer: Any) -> Any:
    if isinstance(answer, bytes):
        return text(answer)
    if isinstance(answer, list):
        return [_texts(each) for each in answer]
    return answer
