"""Scripts that move jobs from `wait` to `later` as soon as a few wait, as they do when very many wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from hashlib import sha1
from unittest.mock import patch

from preppath_workers.store.scripts import Script

from . import caller

_BOUNDS = {
    "local LONG = 200\n": "local LONG = 3\n",
    "local LONG_MIXED = 5000\n": "local LONG_MIXED = 3\n",
    "local LONG_EQUAL = 50000\n": "local LONG_EQUAL = 5\n",
    "local SHED = 50\n": "local SHED = 2\n",
}


@contextmanager
def in_place() -> Iterator[None]:
    """Replace the scripts that are in use, which may be broken variants, inside the block."""
    used = caller.scripts()
    shortened = {name: _shortened(script) for name, script in used.items()}
    with replaced(shortened):
        yield


@contextmanager
def replaced(scripts: Mapping[str, Script]) -> Iterator[None]:
    """Let all actors use these scripts inside the block."""
    with (
        patch.object(caller, "scripts", lambda: scripts),
        patch("preppath_workers.store.consuming.slot_connection.scripts", lambda: scripts),
        patch("preppath_workers.store.scripts.scripts", lambda: scripts),
    ):
        yield


@cache
def _shortened(script: Script) -> Script:
    text = script.text
    for long, short in _BOUNDS.items():
        text = text.replace(long, short)
    return Script(script.name, text, sha1(text.encode(), usedforsecurity=False).hexdigest())
