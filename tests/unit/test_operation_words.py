"""What producers send to Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from preppath_workers.config.durability import Durability
from preppath_workers.queue import NewJob, operations
from preppath_workers.store.keys import Keys
from preppath_workers.store.operation import Operation, Together
from preppath_workers.store.reading.reader import count

KEYS = Keys("preppath", "tts")
JOB = NewJob({}, id="j", priority=1, expires=5)


@pytest.mark.parametrize(
    "start",
    [
        lambda: operations.add(KEYS, JOB.encode()),
        lambda: operations.add(KEYS, JOB.encode(), Durability(replicas=1)),
        lambda: operations.add(KEYS, JOB.encode(), Durability(replicas=1, fsync=True)),
        lambda: operations.add_many(KEYS, [JOB]),
        lambda: operations.get(KEYS, "j"),
        lambda: operations.wait(KEYS, "j", 1, None),
        lambda: operations.cancel(KEYS, "j", running=True),
        lambda: operations.prioritize(KEYS, "j", 1),
        lambda: operations.change(KEYS, "promote_job", "j"),
        lambda: operations.group(KEYS, "g"),
        lambda: operations.close_group(KEYS, "g"),
        lambda: operations.pause(KEYS),
        lambda: count(KEYS.base),
    ],
)
def test_words_of_an_operation_are_text(start: Callable[[], Operation[Any]]) -> None:
    """hiredis crashes the process if a signal handler raises an exception while it packs a number: Ctrl-C, or
    the soft time limit of a worker of Celery."""
    step = next(start())
    commands = step.commands if isinstance(step, Together) else [step]
    numbers = [(command[0], word) for command in commands for word in command if not isinstance(word, str)]
    assert numbers == []
