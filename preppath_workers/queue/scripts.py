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

#: The scripts' first argument after the key: empty means the server's clock.
SERVER_TIME = ""

_FOLDER = Path(__file__).parent / "lua"


@dataclass(frozen=True)
class Script:
    """One transition: what it needs of `lua/shared` and its own file, under the digest that EVALSHA takes."""

    name: str
    text: str
    digest: str


@cache
def scripts() -> Mapping[str, Script]:
    """Every transition by name, read once a process."""
    found = {}
    for path in sorted(_FOLDER.glob("*.lua")):
        text = _linked(path)
        # Redis names a script by its SHA-1; nothing is kept secret by it.
        digest = sha1(text.encode(), usedforsecurity=False).hexdigest()
        found[path.stem] = Script(path.stem, text, digest)
    return MappingProxyType(found)


def _linked(path: Path) -> str:
    """A transition's own file behind those blocks of `lua/shared` that it uses, or that they use. A third of a
    busy turn's time went into making what it did not need."""
    shared: dict[Path, str] = {}
    _gather(_FOLDER / "shared" / "base.lua", shared)
    own = path.read_text(encoding="utf-8")
    for name in _needs(own):
        _gather(_FOLDER / "shared" / f"{name}.lua", shared)
    blocks, used = [own], _words(own)
    for block in reversed([block for file in shared.values() for block in file.strip().split("\n\n")]):
        if used.intersection(re.findall(r"^local (?:function )?(\w+)", block, re.MULTILINE)):
            blocks.append(block)
            used |= _words(block)
    return "\n\n".join(reversed(blocks))


def _words(block: str) -> set[str]:
    """All that its code may name, comments left out."""
    return set(re.findall(r"\w+", re.sub("--.*", "", block)))


def _gather(path: Path, parts: dict[Path, str]) -> None:
    """Adds the file to the parts, after those that it needs."""
    if path in parts:
        return
    text = path.read_text(encoding="utf-8")
    for name in _needs(text):
        _gather(_FOLDER / "shared" / f"{name}.lua", parts)
    parts[path] = text


def _needs(text: str) -> list[str]:
    """What a file's first line names."""
    found = re.match(r"-- needs: (.*)", text)
    return found[1].split(", ") if found else []


class Caller:
    """Calls one queue's transitions through a redis-py client.

    Every transition is idempotent, so the client may send it again after a lost answer. A server that has
    lost its scripts (restart, failover, SCRIPT FLUSH) gets the whole text once.
    """

    def __init__(self, redis: Redis, base: str, now: str = SERVER_TIME) -> None:
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
