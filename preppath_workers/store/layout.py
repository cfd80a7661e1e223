"""The version of a queue's data model. A release that would misread a newer one leaves the queue alone."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from redis.exceptions import ResponseError

from ..errors import NewerLayout
from .keys import LAYOUT, Keys
from .operation import Operation, run
from .refusals import code_of
from .values import integer, text

#: Seconds between two looks of a process that goes on: an update may change the layout meanwhile.
_INTERVAL = 60.0


def refuse_newer(queue: str, stored: Any) -> None:
    """Raise NewerLayout if the stored version is newer than LAYOUT; None, or what isn't a number, is not."""
    layout = (integer(text(stored)) if stored else None) or LAYOUT
    if layout > LAYOUT:
        raise NewerLayout(queue, layout, LAYOUT)


def refuse_newer_layout(keys: Keys) -> Operation[None]:
    """Look at a queue's layout. Raises NewerLayout."""
    try:
        stored = yield ("HGET", keys.meta, "layout")
    except ResponseError as error:
        if code_of(error) != "WRONGTYPE":  # the key was edited by hand
            raise
        return
    refuse_newer(keys.queue, stored)


class LayoutCheck:
    """Looks at a queue's layout when it is first called, and then once a minute."""

    def __init__(self, keys: Keys, execute: Callable[..., Any]) -> None:
        """`execute` sends one command."""
        self._keys = keys
        self._execute = execute
        self._due = float("-inf")

    def __call__(self) -> None:
        """Raises NewerLayout and redis.RedisError."""
        now = monotonic()
        if now < self._due:
            return
        run(refuse_newer_layout(self._keys), self._execute)
        self._due = now + _INTERVAL
