"""The test servers start, stop, and leave nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from redis import Redis

from tests.conftest import ExternalServer
from tests.support.postgres import PostgresServer
from tests.support.process import Server, ServerFailed
from tests.support.redis import RedisServer
from tests.support.s3 import S3Server
from tests.support.servers import running
from tests.support.waiting import eventually

pytestmark = [pytest.mark.trial, pytest.mark.processes]


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("make", [RedisServer, PostgresServer, S3Server])
def test_server_restarted_after_a_kill_has_the_same_port_and_leaves_nothing(
    make: Callable[[], Server],
) -> None:
    with make() as server:
        port, pid, directory = server.port, server.pid, server.directory
        assert server.ready()
        assert directory.is_dir()
        server.kill()
        assert is_gone(pid)
        assert not server.ready()

        server.start()

        assert server.ready()
        assert (server.port, server.pid != pid) == (port, True)
        pid = server.pid

    assert is_gone(pid)
    assert not directory.exists()
    assert not server.ready()


def test_redis_with_aof_keeps_its_data_after_a_kill() -> None:
    settings = {"appendonly": "yes", "appendfsync": "always"}
    with (
        RedisServer(settings=settings) as server,
        Redis.from_url(server.url, decode_responses=True) as client,
    ):
        client.set("name", "value")
        server.kill()
        server.start()
        assert client.get("name") == "value"


def test_redis_with_a_given_folder_keeps_its_data(tmp_path: Path) -> None:
    settings = {"appendonly": "yes"}
    with RedisServer(directory=tmp_path, settings=settings) as server, Redis.from_url(server.url) as client:
        client.set("name", "value")
    with RedisServer(directory=tmp_path, settings=settings) as server, Redis.from_url(server.url) as client:
        assert client.get("name") == b"value"


def test_redis_with_settings_applies_them_and_evicts_nothing() -> None:
    with RedisServer(settings={"requirepass": "secret"}) as server, Redis.from_url(server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert ":secret@" in server.url


def test_postgres_listens_on_loopback_only_and_uses_utc(
    database_server: PostgresServer | ExternalServer,
) -> None:
    if isinstance(database_server, ExternalServer):
        pytest.skip("tests our own server")
    with closing(psycopg2.connect(database_server.url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories'), "
            "current_setting('timezone'), current_setting('server_encoding')"
        )
        assert cursor.fetchone() == ("127.0.0.1", "", "UTC", "UTF8")


def test_server_that_cannot_start_names_the_reason_and_leaves_nothing() -> None:
    server = RedisServer(settings={"appendonly": "perhaps"})
    directory = server.directory
    with pytest.raises(ServerFailed, match="appendonly"):
        server.start()
    assert not directory.exists()


def test_server_with_a_port_in_use_says_so() -> None:
    with RedisServer() as first, pytest.raises(ServerFailed, match="taken"):
        RedisServer(port=first.port).start()


def test_running_with_a_failing_block_stops_all_servers() -> None:
    pids: list[int] = []

    def fail() -> None:
        servers = RedisServer(), RedisServer()
        with running(*servers):
            pids.extend(server.pid for server in servers)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [is_gone(pid) for pid in pids] == [True, True]


#: A process that runs servers, prints their pids and folders, and waits.
PARENT = """
import time
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer
from tests.support.servers import running

servers = {servers}
with running(*servers):
    for server in servers:
        print(server.pid, server.directory)
    print(flush=True)
    while True:  # not one endless wait: it would miss a signal that arrives just before it
        time.sleep(0.05)
"""


def start_parent(servers: str) -> tuple[subprocess.Popen[str], dict[int, Path]]:
    """Start the process; return it and its servers' folders by pid."""
    command = [sys.executable, "-c", PARENT.format(servers=servers)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [line.split() for line in iter(process.stdout.readline, "\n")]
    return process, {int(pid): Path(directory) for pid, directory in lines}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_servers_stop_cleanly_if_their_parent_gets_a_signal(number: signal.Signals) -> None:
    process, servers = start_parent("RedisServer(), RedisServer()")
    with process:
        process.send_signal(number)
        try:
            process.wait(30)
        finally:
            process.kill()
    assert len(servers) == 2
    assert all(is_gone(pid) for pid in servers)
    assert not any(directory.exists() for directory in servers.values())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the death of a parent")
def test_servers_are_killed_if_their_parent_is_killed() -> None:
    process, servers = start_parent("PostgresServer(), RedisServer()")
    with process:
        process.kill()
    try:
        assert len(servers) == 2
        eventually(lambda: all(has_ended(pid) for pid in servers))
    finally:
        for directory in servers.values():
            shutil.rmtree(directory)


def has_ended(pid: int) -> bool:
    """Return whether the process has ended, even if it isn't reaped yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def test_server_stop_in_a_forked_process_does_nothing() -> None:
    with RedisServer() as server:
        pid = os.fork()
        if not pid:
            server.stop()
            os._exit(0)
        os.waitpid(pid, 0)
        assert server.ready()
