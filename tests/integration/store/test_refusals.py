"""Error replies, and connections that leave the wrong server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import Redis
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from preppath_workers.store.connections import connection
from preppath_workers.store.refusals import (
    code_of,
    described,
    is_refusal,
    is_server_wide,
    is_too_large,
    is_wrong_server,
)
from tests.support.redis import RedisServer


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ResponseError("READONLY You can't write against a read only replica."), "READONLY"),
        (ReadOnlyError("You can't write against a read only replica.", status_code="READONLY"), "READONLY"),
        (OutOfMemoryError("command not allowed", status_code="OOM"), "OOM"),
        (BusyLoadingError("Redis is loading the dataset in memory", status_code="LOADING"), "LOADING"),
        (ResponseError("UNBLOCKED force unblock from blocking operation"), "UNBLOCKED"),
        (
            ResponseError("ERR Error running script (call to f_0): @user_script:1: -OOM command not allowed"),
            "OOM",
        ),
        (
            ResponseError("Error running script (call to f_0): @user_script:1: -READONLY You can't"),
            "READONLY",
        ),
        (ResponseError("WRONGTYPE Operation against a key"), "WRONGTYPE"),
        (ResponseError("ERR unknown command"), "ERR"),
        (ResponseError("NOAUTH Authentication required."), "NOAUTH"),
        (ResponseError("ERR Protocol error: unauthenticated multibulk length"), "NOAUTH"),
        (ResponseError("DENIED Redis is running in protected mode"), "DENIED"),
        (ResponseError("user_script:12: attempt to compare nil with number"), "ERR"),
        (RedisConnectionError("connection refused"), ""),
        (RedisTimeoutError("READONLY is not what it says"), ""),
    ],
)
def test_code_of_is_the_first_word_of_the_reply(error: RedisError, code: str) -> None:
    assert code_of(error) == code
    assert is_refusal(error) == (code != "")
    assert is_wrong_server(error) == (code in ("READONLY", "LOADING", "UNBLOCKED", "NOAUTH", "DENIED"))
    assert is_server_wide(error) == is_wrong_server(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ERR Protocol error: invalid bulk length", True),
        ("ERR string exceeds maximum allowed size (proto-max-bulk-len)", True),
        ("OOM command not allowed when used memory > 'maxmemory'", False),
        ("WRONGTYPE Operation against a key", False),
    ],
)
def test_is_too_large_is_true_for_the_command_size_only(text: str, expected: bool) -> None:
    assert is_too_large(ResponseError(text)) is expected


@pytest.mark.parametrize(
    "connect",
    [connection.client, lambda url: connection.client_without_retries(url, 3.0)],
    ids=["client", "client_without_retries"],
)
def test_client_of_a_demoted_server_reconnects(server: RedisServer, connect: Callable[[str], Redis]) -> None:
    with Redis.from_url(server.url) as admin, connect(server.url) as client:
        before = client.client_id()
        admin.replicaof("127.0.0.1", 1)
        try:
            with pytest.raises(ResponseError) as raised:
                client.eval("return redis.call('SET', KEYS[1], '1')", 1, "key")
            assert code_of(raised.value) == "READONLY"
        finally:
            admin.replicaof("NO", "ONE")
        assert client.client_id() != before


def test_client_with_another_error_keeps_its_connection(server: RedisServer) -> None:
    with connection.client(server.url) as client:
        before = client.client_id()
        client.set("text", "x")
        with pytest.raises(ResponseError):
            client.lpush("text", "y")
        assert client.client_id() == before


def test_client_of_a_server_without_a_free_connection_says_so() -> None:
    with RedisServer() as server, Redis.from_url(server.url) as first:
        first.config_set("maxclients", "1")
        for _ in range(10):
            with pytest.raises(RedisConnectionError, match="max number of clients reached"):
                connection.client_without_retries(server.url, 3.0).ping()


def test_described_protected_mode_says_what_is_missing() -> None:
    error = ResponseError("DENIED Redis is running in protected mode. In this mode connections are only …")
    assert described(error) == (
        "this server has no password, so it serves its own machine only (protected-mode) "
        "(DENIED Redis is running in protected mode)"
    )
