"""Operations on Redis, independent of the client: generators that yield steps and are sent the answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.exceptions import RedisError

Value = TypeVar("Value")


@dataclass(frozen=True)
class Together:
    """Commands that have to go through one connection, one after the other. Their answer is a list."""

    commands: Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class Pause:
    """Seconds in which nothing is sent."""

    seconds: float


@dataclass(frozen=True)
class Reconnect:
    """Close the client's idle connections, so that the next command finds its server again."""


#: What an operation yields: one command, or one of these.
Step = tuple[Any, ...] | Together | Pause | Reconnect

#: An operation on Redis, independent of the client: yields steps, is sent their answers, returns its result.
Operation = Generator[Step, Any, Value]


def perform(operation: Operation[Value], take: Callable[[Any], Any]) -> Value:
    """Return the operation's result. `take` takes a step and returns its answer."""
    try:
        step = next(operation)
        while True:
            try:
                answer = take(step)
            except RedisError as error:
                step = operation.throw(error)
            else:
                step = operation.send(answer)
    except StopIteration as end:
        result: Value = end.value
        return result


def run(operation: Operation[Value], execute: Callable[..., Any]) -> Value:
    """Return the result of an operation that yields only commands. `execute` sends one of them."""
    return perform(operation, lambda command: execute(*command))
