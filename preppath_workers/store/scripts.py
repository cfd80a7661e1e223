"""Loads the transitions in `lua/` and calls them by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any

from redis.client import Redis
from redis.exceptions import NoScriptError

from ..config.durability import Durability, Shortfall
from .operation import Operation, Together, run
from .undecoded import Undecoded
from .values import sendable

#: The scripts' first argument after the key: empty means the server's clock.
SERVER_TIME = ""

_FOLDER = Path(__file__).parent / "lua"

#: The line with which a script says that it includes `base` only where it needs it.
_LEAN = "\n-- needs: keys\n"


@dataclass(frozen=True)
class Script:
    """One transition: what it needs of `lua/lib` and its own file, under the digest that EVALSHA takes."""

    name: str
    text: str
    digest: str


class _Scripts(Mapping[str, Script]):
    """Every transition by name. Each is read when it is first asked for: a producer calls only a few."""

    def __init__(self) -> None:
        self._read: dict[str, Script] = {}

    def __getitem__(self, name: str) -> Script:
        if name not in self._read:
            if not (_FOLDER / f"{name}.lua").exists():
                raise KeyError(name)
            text = assembled(source(name))
            # Redis names a script by its SHA-1; nothing is kept secret by it.
            digest = sha1(text.encode(), usedforsecurity=False).hexdigest()
            self._read[name] = Script(name, text, digest)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in _FOLDER.glob("*.lua")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@cache
def scripts() -> Mapping[str, Script]:
    """Return every transition by name, read once a process."""
    return _Scripts()


def source(name: str) -> str:
    """Return a transition's own file: its documentation, an empty line, its code."""
    return (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")


def assembled(text: str) -> str:
    """Return the script to run: `base`, and in place of each line `-- needs: a, b` those files of `lua/lib`
    that aren't included above it. What an indented line names is included for its block alone.

    A script includes only what it needs, and its fast path comes before what only the general path needs:
    each call creates all functions that it reaches. So a script whose fast path needs only `keys` says so,
    and where it needs `base`.
    """
    return _with_needs(text if _LEAN in text else f"-- needs: base\n{text}", set())


def _with_needs(text: str, included: set[str]) -> str:
    def files(line: re.Match[str]) -> str:
        known = set(included) if line[1] else included
        return "\n".join(_library(name, known) for name in line[2].split(", ") if name not in known)

    return re.sub(r"^( *)-- needs: (.*)$", files, text, flags=re.MULTILINE)


def _library(name: str, included: set[str]) -> str:
    included.add(name)
    return _with_needs(_library_text(name), included)


@cache
def _library_text(name: str) -> str:
    """Return a file of `lua/lib`: most are part of many scripts."""
    return (_FOLDER / "lib" / f"{name}.lua").read_text(encoding="utf-8")


def call(base: str, now: str, name: str, *arguments: str | int | float) -> Operation[Any]:
    """Call a transition. If the server has lost its scripts (restart, failover, SCRIPT FLUSH), the whole text
    is sent.

    All words are text: hiredis crashes if a signal handler raises an exception while it packs a number.
    """
    script = scripts()[name]
    words = [sendable(str(argument)) for argument in (now, *arguments)]
    try:
        return (yield ("EVALSHA", script.digest, "1", base, *words))
    except NoScriptError:
        return (yield ("EVAL", script.text, "1", base, *words))


def call_and_confirm(
    base: str, durability: Durability, name: str, *arguments: str | int | float
) -> Operation[tuple[Any, Shortfall | None]]:
    """Call a transition and wait until its writes are confirmed. Returns its answer, and what is missing."""
    script = scripts()[name]
    words = [str(argument) for argument in (SERVER_TIME, *arguments)]
    # WAIT waits for what its own connection wrote. A repeated call writes nothing if the first one succeeded,
    # so there has to be a write that comes after the first call's.
    confirm = (("HINCRBY", f"{base}meta", "waits", "1"), durability.command)
    try:
        answer, _, confirmed = yield Together((("EVALSHA", script.digest, "1", base, *words), *confirm))
    except NoScriptError:
        answer, _, confirmed = yield Together((("EVAL", script.text, "1", base, *words), *confirm))
    return answer, durability.shortfall(confirmed)


class Caller:
    """Calls one queue's transitions through a redis-py client.

    Every transition is idempotent, so the client may send it again after a lost answer.
    """

    def __init__(self, redis: Redis | Undecoded, base: str, now: str = SERVER_TIME) -> None:
        self.redis = redis
        self._execute = redis if isinstance(redis, Undecoded) else redis.execute_command
        self._base = base
        self._now = now

    def __call__(self, name: str, *arguments: str | int | float) -> Any:
        return run(call(self._base, self._now, name, *arguments), self._execute)
