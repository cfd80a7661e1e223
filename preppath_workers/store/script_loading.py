"""Loads the scripts that a consumer calls into the server, through its connection."""

from __future__ import annotations

from typing import Any

from hiredis import pack_command
from redis.exceptions import ResponseError

from . import scripts
from .connection import Connection

_USED = (
    *("settle_and_fetch", "claim", "complete", "retry", "release", "recover"),
    *("progress", "checkpoint", "acquire_token", "check_lease"),
)


def load_scripts(connection: Connection) -> None:
    """Load them. Raises redis.RedisError."""
    used = [scripts.scripts()[name] for name in _USED]
    # One by one: a single packet would enlarge each worker's memory for good.
    for script in used:
        load: tuple[Any, ...] = ("SCRIPT", "LOAD", script.text)
        connection.send(pack_command(load))
    for script in used:
        if connection.receive() != script.digest:
            raise ResponseError(f"the server names the script {script.name} differently")
