"""The version of a queue's data model. A release that would misread a newer one leaves the queue alone."""

from __future__ import annotations

from time import monotonic
from typing import Any

from redis.exceptions import ResponseError

from ..errors import NewerLayout
from .keys import LAYOUT, Keys
from .operation import Operation
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
    """A look at a queue's layout is due before its first use, and then once a minute."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._due = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether to look before the next command."""
        return monotonic() >= self._due

    def look(self) -> Operation[None]:
        """Look at the layout. Raises NewerLayout."""
        yield from refuse_newer_layout(self._keys)
        self._due = monotonic() + _INTERVAL
