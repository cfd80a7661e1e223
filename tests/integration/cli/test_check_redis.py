"""`check --only redis` on servers where transitions cannot work, or where a failover would lose jobs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers.cli.check.redis import check_redis
from preppath_workers.config.load import load_redis
from tests.support.cluster import ClusterNode
from tests.support.redis import RedisServer
from tests.support.sentinel import SentinelServer, await_quorum, follow, sentinel_url
from tests.support.servers import running
from tests.support.waiting import eventually

AOF = {"appendonly": "yes"}


def check(url: str, **variables: str) -> dict[str, tuple[str, str]]:
    """Return status and detail of each finding, by its subject."""
    config = load_redis({"REDIS_URL": url, **variables})
    found = check_redis(config, ["tts", "webhook"])
    return {finding.what: (finding.status, finding.detail) for finding in found}


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[RedisServer, RedisServer]]:
    """A primary and its replica."""
    primary, replica = RedisServer(settings=AOF), RedisServer(settings=AOF)
    with running(primary, replica):
        follow(replica, primary)
        yield primary, replica


def test_check_of_a_replica_is_an_error(pair: tuple[RedisServer, RedisServer]) -> None:
    found = check(pair[1].url)
    assert found["redis role"][0] == "error"
    assert found["redis role"][1].endswith("writes are refused")
    assert found["tts transition"][0] == found["webhook transition"][0] == "error"


def test_check_of_a_primary_counts_its_replicas_and_tries_what_waits_for_them(
    pair: tuple[RedisServer, RedisServer],
) -> None:
    waits = {"ENQUEUE_WAIT_REPLICAS": "1", "CHECKPOINT_WAIT_REPLICAS": "2", "WAIT_SECONDS": "0.1"}
    found = check(pair[0].url, **waits)
    assert found["redis role"] == ("ok", "primary")
    assert found["redis replicas"] == ("ok", "1 connected; min-replicas-to-write is not set")
    assert found["ENQUEUE_WAIT_REPLICAS"] == ("ok", "1 replica confirmed a write")
    assert found["CHECKPOINT_WAIT_REPLICAS"][0] == "error"
    assert found["redis transitions"][0] == "ok"


def test_check_of_sentinels_names_those_that_do_not_answer(pair: tuple[RedisServer, RedisServer]) -> None:
    sentinels = [SentinelServer(pair[0]) for _ in range(2)]
    with running(*sentinels):
        await_quorum(sentinels, replicas=1)
        url = sentinel_url(sentinels)
        found = check(url)
        assert found[f"sentinel 127.0.0.1:{sentinels[0].port}"][0] == "ok"
        sentinels[0].kill()
        found = check(url)
    assert found[f"sentinel 127.0.0.1:{sentinels[0].port}"][0] == "warning"
    assert found["redis role"] == ("ok", "primary")


def test_check_of_a_cluster_without_all_slots_is_an_error() -> None:
    with ClusterNode() as node:
        alone = check(node.url)
        assert alone["redis cluster"][0] == "error"
        assert "redis+cluster://" in alone["redis cluster"][1]
        assert "the Cluster is down" in alone["tts transition"][1]
        node.call("CLUSTER", "ADDSLOTS", *range(16_384))
        eventually(lambda: "cluster_state:ok" in str(node.call("CLUSTER", "INFO")))
        url = node.url.replace("redis://", "redis+cluster://")
        found = check(url)
    assert found["redis cluster (tts, webhook)"] == ("ok", "1 node")


def test_check_of_a_server_that_could_not_save_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "removed"
    folder.mkdir()
    with RedisServer(directory=folder) as server, Redis.from_url(server.url) as client:
        shutil.rmtree(folder)
        client.bgsave()
        eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
        found = check(server.url)
    assert found["redis persistence"] == ("error", "the last snapshot (BGSAVE) failed")


def test_check_by_a_user_who_may_not_call_scripts_is_an_error() -> None:
    with RedisServer() as server, Redis.from_url(server.url) as admin:
        admin.execute_command("ACL", "SETUSER", "limited", "on", ">word", "~*", "+@all", "-evalsha")
        found = check(f"redis://limited:word@127.0.0.1:{server.port}")
    assert found["tts transition"][0] == "error"
    assert "too few rights" in found["tts transition"][1]
