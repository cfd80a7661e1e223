"""What a consumer's connection raises if it cannot send."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from preppath_workers.store.consuming.consumer_connection import Connection
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

#: More than the buffers of both sides hold.
LARGE = b"*1\r\n$4\r\nPING\r\n" * 1_000_000


@pytest.fixture
def connection(own_server: RedisServer) -> Iterator[Connection]:
    opened = Connection(own_server.url, timeout=0.2)
    opened.connect()
    yield opened
    opened.disconnect()


def test_send_to_a_server_that_accepts_no_data_times_out(
    own_server: RedisServer, connection: Connection
) -> None:
    os.kill(own_server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(RedisTimeoutError, match="the server doesn't accept data"):
            connection.send(LARGE)
    finally:
        os.kill(own_server.pid, signal.SIGCONT)


def test_send_on_a_lost_connection_raises_connection_error(
    own_server: RedisServer, connection: Connection
) -> None:
    own_server.kill()

    def fails() -> bool:
        try:
            connection.send(b"*1\r\n$4\r\nPING\r\n")
        except RedisConnectionError as error:
            return str(error).startswith("the connection is lost: ")
        return False

    eventually(fails, deadline=5)
