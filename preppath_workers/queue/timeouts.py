"""How long a redis-py client waits for an answer."""

from __future__ import annotations

from typing import Any

#: Assumed if a client doesn't say, seconds: redis-py's default.
_DEFAULT = 5.0


def client_timeout(client: Any) -> float | None:
    """Return the seconds after which the client gives up a command; None if it waits forever."""
    pool = getattr(client, "connection_pool", None)
    options = getattr(pool, "connection_kwargs", {})
    timeout = options.get("socket_timeout", _DEFAULT)
    return None if timeout is None else float(timeout)
