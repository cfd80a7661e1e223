"""PostgreSQL and S3 for all workers of xdist, in place of one for each."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from .postgres import PostgresServer
from .process import START_DEADLINE
from .s3 import S3Server
from .waiting import eventually

_POSTGRES, _S3 = "postgres_port", "s3_port"


class SharedServers:
    """A plugin of the process that starts the workers: it passes the ports to them, and starts the servers
    while the workers collect their tests."""

    def __init__(self) -> None:
        self._postgres, self._s3 = PostgresServer(), S3Server()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Called by xdist for each worker before it starts."""
        node.workerinput |= {_POSTGRES: self._postgres.port, _S3: self._s3.port}

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Generator[None]:
        yield  # xdist starts the workers
        for server in (self._s3, self._postgres):
            server.launch()
        self._postgres.wait_until_ready()

    def pytest_unconfigure(self) -> None:
        for server in (self._s3, self._postgres):
            server.stop()


def shared_postgres(config: pytest.Config) -> PostgresServer | None:
    """Return the server for all workers, once it answers, or None if there is none."""
    server = PostgresServer(port) if (port := _inherited(config, _POSTGRES)) else None
    if server:
        eventually(server.ready, deadline=START_DEADLINE)
    return server


def shared_s3(config: pytest.Config) -> S3Server | None:
    """Return the server for all workers, once it answers, or None if there is none."""
    server = S3Server(port) if (port := _inherited(config, _S3)) else None
    if server:
        eventually(server.ready, deadline=START_DEADLINE)
    return server


def _inherited(config: pytest.Config, name: str) -> Any:
    """Return what the process that started this test worker passed to it; None in that process itself."""
    return getattr(config, "workerinput", {}).get(name)
