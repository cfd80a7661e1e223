"""Reads answers that hold what any client may have pushed: bytes that are not UTF-8 too, which a redis-py
client made with `decode_responses=True` cannot decode."""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.client import NEVER_DECODE, Pipeline

from .job import text


class Undecoded:
    """Commands of a redis-py client whose answers are read as bytes and decoded here, one way for all."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def __call__(self, *words: str | int) -> Any:
        """The answer to a command, with text in place of bytes, and a stand-in for each odd byte."""
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
