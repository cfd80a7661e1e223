"""Loads the scripts that a consumer calls into the server, through its connection."""

from __future__ import annotations

from functools import cache
from typing import Any

from hiredis import pack_command
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from .. import scripts
from ..keys import Keys
from ..layout import refuse_newer_layout
from ..operation import run
from .consumer_connection import Connection

_USED = (
    *("settle_and_fetch", "claim", "complete", "retry", "release", "recover"),
    *("progress", "checkpoint", "acquire_token", "check_lease", "end_cancelled"),
    *("open_call", "close_calls", "note_vendor_limits", "acquire_model_tokens", "settle_model_tokens"),
)


def load_scripts(connection: Connection, keys: Keys) -> None:
    """Load them, if they know the queue's layout. Raises redis.RedisError and NewerLayout."""
    look: tuple[Any, ...] = ("HGET", keys.meta, "layout")
    connection.send(pack_command(look))
    run(refuse_newer_layout(keys), lambda *_: _text_or_none(connection.receive()))
    # One by one: a single packet would enlarge each worker's memory for good.
    for command in load_commands():
        connection.send(command)
    for name in _USED:
        script = scripts.scripts()[name]
        if connection.receive() != script.digest:
            raise ResponseError(f"the server names the script {name} differently")


def load_commands() -> list[bytes]:
    """Return the commands that load the scripts, packed. A supervisor calls this before it forks: otherwise
    each worker would have a copy of all texts."""
    return [_load_command(scripts.scripts()[name]) for name in _USED]


@cache
def _load_command(script: scripts.Script) -> bytes:
    load: tuple[Any, ...] = ("SCRIPT", "LOAD", script.text)
    packed: bytes = pack_command(load)
    return packed


def _text_or_none(answer: Any) -> str | None:
    if answer is None or isinstance(answer, str):
        return answer
    raise RedisConnectionError(f"the server answers {str(answer)[:100]!r} to HGET")
