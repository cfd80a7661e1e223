"""Reads what all slots of a queue hold, of thousands some hundred at a time: Redis serves no other client
meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..operation import Operation
from ..scripts import SERVER_TIME, call
from ..values import text

#: Slots that one call looks at, and the most instances that it names.
_SLOTS, _INSTANCES = 500, 100


def in_portions(base: str, name: str, left_by: Callable[[Any], Sequence[Any]]) -> Operation[list[Any]]:
    """Call a script until no instance is left. Returns its answers; `left_by` finds in one of them which
    instances it left."""
    answers = [(yield from call(base, SERVER_TIME, name, _SLOTS))]
    left = [text(instance) for instance in left_by(answers[0])]
    while left:
        answers.append((yield from call(base, SERVER_TIME, name, _SLOTS, *left[:_INSTANCES])))
        left = [*map(text, left_by(answers[-1])), *left[_INSTANCES:]]
    return answers
