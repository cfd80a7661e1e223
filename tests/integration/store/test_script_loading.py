"""A connection loads only scripts that its server lacks: together they have half a megabyte, and all workers
connect at once when an instance starts, and after a failover."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from preppath_workers.store.consuming.consumer_connection import Connection
from preppath_workers.store.consuming.script_loading import load_commands, load_scripts
from preppath_workers.store.keys import Keys
from preppath_workers.store.scripts import scripts
from tests.support.redis import RedisServer


@pytest.fixture
def admin(own_server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(own_server.url, decode_responses=True) as admin:
        yield admin


def _sent_by_a_new_connection(own_server: RedisServer, admin: Redis) -> int:
    """Connect as a worker does; return how many bytes the server has received."""
    admin.config_resetstat()
    connection = Connection(own_server.url, timeout=10.0)
    connection.connect()
    load_scripts(connection, Keys("preppath", "tts"))
    connection.disconnect()
    return int(admin.info("stats")["total_net_input_bytes"])


#: Bytes of all scripts, and the most of everything else that a new connection sends.
ALL, OTHERS = sum(map(len, load_commands())), 10_000


def test_load_scripts_on_a_server_without_them_loads_all(own_server: RedisServer, admin: Redis) -> None:
    assert ALL < _sent_by_a_new_connection(own_server, admin) < ALL + OTHERS
    assert admin.script_exists(scripts()["claim"].digest) == [True]


def test_load_scripts_on_a_server_that_has_them_sends_no_text(own_server: RedisServer, admin: Redis) -> None:
    _sent_by_a_new_connection(own_server, admin)
    assert _sent_by_a_new_connection(own_server, admin) < OTHERS


def test_load_scripts_loads_what_is_missing(own_server: RedisServer, admin: Redis) -> None:
    claim = scripts()["claim"].text
    admin.script_load(claim)
    missing = ALL - len(claim.encode())
    assert missing - OTHERS < _sent_by_a_new_connection(own_server, admin) < missing + OTHERS


def test_load_scripts_of_a_user_who_may_not_ask_loads_all(own_server: RedisServer, admin: Redis) -> None:
    _sent_by_a_new_connection(own_server, admin)
    admin.execute_command("ACL", "SETUSER", "default", "-script", "+script|load")
    assert _sent_by_a_new_connection(own_server, admin) > ALL
