"""redis-py's connection over TLS, which is ready once it is opened."""

from __future__ import annotations

from contextlib import suppress

from redis.connection import SSLConnection
from redis.exceptions import NoPermissionError


class TlsConnection(SSLConnection):
    """Reads the session tickets that a server sends after the handshake.

    If a new connection has something to read, redis-py takes that for an answer that was not read. It
    connects once more, and then gives up with "Connection not ready".
    """

    def on_connect_check_health(self, check_health: bool = True) -> None:
        super().on_connect_check_health(check_health)
        if not (self.password or self.db):  # otherwise the answer to AUTH or SELECT came after them
            self.send_command("PING", check_health=False)
            with suppress(NoPermissionError):
                self.read_response()
