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
from ..refusals import is_wrong_server
from .consumer_connection import Connection

_USED = (
    *("settle_and_fetch", "claim", "complete", "retry", "release", "recover"),
    *("progress", "checkpoint", "acquire_token", "check_lease", "end_cancelled"),
    *("open_call", "close_calls", "note_vendor_limits", "acquire_model_tokens", "settle_model_tokens"),
)


def load_scripts(connection: Connection, keys: Keys) -> None:
    """Load those that the server lacks, if they know the queue's layout. Raises redis.RedisError and
    NewerLayout."""
    look: tuple[Any, ...] = ("HGET", keys.meta, "layout")
    connection.send(pack_command(look))
    connection.send(_question())
    run(refuse_newer_layout(keys), lambda *_: _text_or_none(connection.receive()))
    missing = _missing(connection)
    # One by one: a single packet would enlarge each worker's memory for good.
    for name in missing:
        connection.send(_load_command(scripts.scripts()[name]))
    for name in missing:
        if connection.receive() != scripts.scripts()[name].digest:
            raise ResponseError(f"the server names the script {name} differently")


def load_commands() -> list[bytes]:
    """Return the commands that load the scripts, packed. A supervisor calls this before it forks: otherwise
    each worker would have a copy of all texts."""
    return [_load_command(scripts.scripts()[name]) for name in _USED]


def _missing(connection: Connection) -> tuple[str, ...]:
    """Return the names of the scripts that the server lacks: their texts are half a megabyte."""
    try:
        known = connection.receive()
    except ResponseError as error:
        if is_wrong_server(error):
            raise
        return _USED  # SCRIPT EXISTS isn't among the commands that this user or proxy has
    if type(known) is not list or len(known) != len(_USED):
        raise RedisConnectionError(f"the server answers {str(known)[:100]!r} to SCRIPT EXISTS")
    return tuple(name for name, is_known in zip(_USED, known, strict=True) if is_known != 1)


def _question() -> bytes:
    ask: tuple[Any, ...] = ("SCRIPT", "EXISTS", *(scripts.scripts()[name].digest for name in _USED))
    packed: bytes = pack_command(ask)
    return packed


@cache
def _load_command(script: scripts.Script) -> bytes:
    load: tuple[Any, ...] = ("SCRIPT", "LOAD", script.text)
    packed: bytes = pack_command(load)
    return packed


def _text_or_none(answer: Any) -> str | None:
    if answer is None or isinstance(answer, str):
        return answer
    raise RedisConnectionError(f"the server answers {str(answer)[:100]!r} to HGET")
