"""`queues` and `health` on a Redis that answers reads and refuses writes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from redis import Redis

from preppath_workers import Queue
from tests.support.redis import RedisServer

from .conftest import Run


@pytest.fixture
def client(own_server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(own_server.url, decode_responses=True) as client:
        yield client


@pytest.mark.parametrize(
    ("setting", "refusal"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), "command not allowed when used memory > 'maxmemory'"),
        (("REPLICAOF", "127.0.0.1", "9"), "You can't write against a read only replica"),
        (("CONFIG", "SET", "min-replicas-to-write", "1"), "Not enough good replicas to write"),
    ],
    ids=["out of memory", "read-only", "no replicas"],
)
def test_queues_and_health_while_redis_refuses_writes_report_it(
    run: Run, own_server: RedisServer, client: Redis, setting: tuple[str, ...], refusal: str
) -> None:
    variables = {"REDIS_URL": own_server.url, "QUEUES": "tts"}
    assert "no live instance" in run("health", **variables).stdout
    client.execute_command(*setting)
    health, queues = run("health", **variables), run("queues", **variables)
    assert health.returncode == 1
    assert health.stdout.startswith("error  tts: Redis refuses writes: ")
    assert refusal in health.stdout
    assert "script" not in health.stdout
    assert refusal in queues.stdout
    assert json.loads(run("queues", "--json", **variables).stdout)["refusal"] in queues.stdout


def test_queues_and_health_while_redis_may_evict_jobs_report_it(
    run: Run, own_server: RedisServer, client: Redis
) -> None:
    """A failover can lead to a server with another policy, and CONFIG SET changes it at any time."""
    variables = {"REDIS_URL": own_server.url, "QUEUES": "tts"}
    client.config_set("maxmemory-policy", "allkeys-lru")
    reason = "Redis may evict jobs: maxmemory-policy is allkeys-lru, set it to noeviction"

    assert run("health", **variables).stdout.startswith(f"error  tts: {reason}")
    assert reason in run("queues", **variables).stdout


def test_queues_and_health_on_an_empty_redis_create_no_key(
    run: Run, own_server: RedisServer, client: Redis
) -> None:
    run("health", REDIS_URL=own_server.url, QUEUES="tts")
    run("queues", REDIS_URL=own_server.url, QUEUES="tts")
    assert client.keys() == []


def test_commands_on_a_replica_without_its_primary_say_so(
    run: Run, own_server: RedisServer, client: Redis
) -> None:
    client.config_set("replica-serve-stale-data", "no")
    Queue("tts", client).enqueue({}, id="j")
    client.replicaof("127.0.0.1", 1)
    for command in ("queues", "jobs tts", "show tts j", "cancel tts j", "dead replay tts", "top --once"):
        refused = run(*command.split(), REDIS_URL=own_server.url, QUEUES="tts")
        assert (refused.returncode, refused.stdout) == (69, ""), command
        assert (
            "Redis refuses the command: this server is a replica and has lost its primary" in refused.stderr
        )
