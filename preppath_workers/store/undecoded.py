"""Reads answers that may contain bytes that aren't UTF-8, which any client can push and a redis-py client
with `decode_responses=True` cannot decode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import sleep
from typing import Any

from redis.client import NEVER_DECODE, Redis
from redis.exceptions import RedisError, ResponseError

from .operation import Pause, Step, Together
from .refusals import code_of
from .values import text


class Undecoded:
    """Runs commands of a redis-py client and decodes the answers itself."""

    def __init__(self, redis: Redis, before: Callable[[], None] = lambda: None) -> None:
        """`before` is called before each command."""
        self._redis = redis
        self._before = before

    def __call__(self, *words: str | int) -> Any:
        """Return the answer to a command, as text with a surrogate for each byte that isn't UTF-8."""
        self._before()
        return decoded(self._redis.execute_command(*words, **{NEVER_DECODE: True}))

    def take(self, step: Step) -> Any:
        """Take a step of an operation; return the answer, if it is one or several commands."""
        if isinstance(step, tuple):  # nearly always
            return self(*step)
        if isinstance(step, Together):
            return self._together(step.commands)
        if isinstance(step, Pause):
            return sleep(step.seconds)
        return self._redis.connection_pool.disconnect(inuse_connections=False)

    def of_hashes(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Return the answers to commands that read a job's hash each, in one round trip: None for a job that
        was overwritten. Raises the first other error."""
        return self._send(commands, unless_overwritten)

    def _together(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Return the answers to commands that go through one connection. Raises the first error."""
        return self._send(commands, _unless_error)

    def _send(self, commands: Sequence[tuple[Any, ...]], checked: Callable[[Any], Any]) -> list[Any]:
        """Return the answers that `checked` returns. If it raises an error that the client tries again for,
        such as that of a slot that has moved, all commands are sent again."""
        self._before()

        def send() -> list[Any]:
            with self._redis.pipeline(transaction=False) as pipeline:
                for words in commands:
                    pipeline.execute_command(*words, **{NEVER_DECODE: True})
                # Not raised by redis-py, which would put the data of the jobs into the error's message.
                answers: list[Any] = pipeline.execute(raise_on_error=False)
            return [decoded(answer) for answer in map(checked, answers)]

        retry = self._redis.get_retry()
        if not retry:
            return send()
        # The pipeline itself has tried again after a lost connection.
        return retry.call_with_retry(send, lambda _: None, lambda error: isinstance(error, ResponseError))


def _unless_error(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def unless_overwritten(answer: Any) -> Any:
    """Return the answer about a job's hash; None if something has overwritten the job, so that its key has
    another type. Raises any other error."""
    if not isinstance(answer, Exception):
        return answer
    if isinstance(answer, RedisError) and code_of(answer) == "WRONGTYPE":
        return None
    raise answer


def decoded(answer: Any) -> Any:
    """Return the answer as text, with a surrogate for each byte that isn't UTF-8."""
    if isinstance(answer, bytes):
        return text(answer)
    if isinstance(answer, list):
        return [decoded(each) for each in answer]
    if isinstance(answer, dict):
        return {text(name): text(value) for name, value in answer.items()}
    return answer
