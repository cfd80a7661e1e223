"""Loads the transitions in `lua/` and calls them by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from pathlib import Path
from types import MappingProxyType
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError

from .undecoded import Undecoded

#: The scripts' first argument after the key: empty means the server's clock.
SERVER_TIME = ""

_FOLDER = Path(__file__).parent / "lua"


@dataclass(frozen=True)
class Script:
    """One transition: what it needs of `lua/lib` and its own file, under the digest that EVALSHA takes."""

    name: str
    text: str
    digest: str


@cache
def scripts() -> Mapping[str, Script]:
    """Every transition by name, read once a process."""
    found = {}
    for path in sorted(_FOLDER.glob("*.lua")):
        text = assembled(path.read_text(encoding="utf-8"))
        # Redis names a script by its SHA-1; nothing is kept secret by it.
        digest = sha1(text.encode(), usedforsecurity=False).hexdigest()
        found[path.stem] = Script(path.stem, text, digest)
    return MappingProxyType(found)


def assembled(text: str) -> str:
    """Return the script to run: `base`, and in place of each line `-- needs: a, b` those files of `lua/lib`
    that aren't included above it.

    A script includes only what it needs, and its fast path comes before what only the general path needs:
    each call creates all functions that it reaches.
    """
    return _with_needs(f"-- needs: base\n{text}", set())


def _with_needs(text: str, included: set[str]) -> str:
    def files(line: re.Match[str]) -> str:
        return "\n".join(_library(name, included) for name in line[1].split(", ") if name not in included)

    return re.sub(r"^-- needs: (.*)$", files, text, flags=re.MULTILINE)


def _library(name: str, included: set[str]) -> str:
    included.add(name)
    return _with_needs((_FOLDER / "lib" / f"{name}.lua").read_text(encoding="utf-8"), included)


class Caller:
    """Calls one queue's transitions through a redis-py client.

    Every transition is idempotent, so the client may send it again after a lost answer. If the server has
    lost its scripts (restart, failover, SCRIPT FLUSH), the whole text is sent.
    """

    def __init__(self, redis: Redis | Undecoded, base: str, now: str = SERVER_TIME) -> None:
        self.redis = redis
        self._base = base
        self._now = now

    def __call__(self, name: str, *arguments: str | int | float) -> Any:
        script = scripts()[name]
        words = [str(argument) for argument in (self._now, *arguments)]
        try:
            return self.redis.evalsha(script.digest, 1, self._base, *words)
        except NoScriptError:
            return self.redis.eval(script.text, 1, self._base, *words)
