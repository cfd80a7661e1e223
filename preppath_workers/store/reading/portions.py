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

#: The arguments of scripts that need a job's slot: no slot has the job; the caller has not looked yet.
_NO_SLOT, NOT_LOOKED = "none", ""


def in_portions(
    base: str,
    name: str,
    left_by: Callable[[Any], Sequence[Any]],
    is_enough: Callable[[Any], bool] = lambda _: False,
) -> Operation[list[Any]]:
    """Call a script until no instance is left. Returns its answers; `left_by` finds in one of them which
    instances it left, `is_enough` whether no other is needed."""
    answers = [(yield from call(base, SERVER_TIME, name, _SLOTS))]
    left = [text(instance) for instance in left_by(answers[0])]
    while left and not is_enough(answers[-1]):
        answers.append((yield from call(base, SERVER_TIME, name, _SLOTS, *left[:_INSTANCES])))
        left = [*map(text, left_by(answers[-1])), *left[_INSTANCES:]]
    return answers


def find_slot(base: str, job_id: str) -> Operation[str]:
    """Return the slot that has a job in its active list, as scripts take it: see `slots.lua`."""

    def holders(answer: Any) -> list[str]:
        return [text(worker_id) for worker_id, _, *ids in answer[0] if job_id in map(text, ids)]

    answers = yield from in_portions(
        base, "held_slots", lambda answer: answer[1], lambda answer: bool(holders(answer))
    )
    return next(iter(holders(answers[-1])), _NO_SLOT)
