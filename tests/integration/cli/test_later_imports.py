"""Commands as programs, which leave out parts of redis-py, on each kind of Redis."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from tests.support.cluster import Cluster
from tests.support.process import HOST
from tests.support.redis import RedisServer
from tests.support.sentinel import SentinelServer, await_quorum, sentinel_url
from tests.support.servers import running
from tests.support.tls_proxy import TlsProxy

from .conftest import run_as_process


def names_of_queues(variables: dict[str, str]) -> list[str]:
    done = run_as_process(["preppath-workers", "queues", "--json"], "", variables)
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["queue"] for line in done.stdout.splitlines()]


def test_queues_reaches_redis_over_tls(redis_url: str) -> None:
    with TlsProxy(urlsplit(redis_url).port or 6379).running() as proxy:
        trusted = proxy.variables["SSL_CERT_FILE"]
        found = names_of_queues({"REDIS_URL": f"rediss://{HOST}:{proxy.port}", "SSL_CERT_FILE": trusted})
    assert found == ["transcription", "tts", "evaluation"]


@pytest.mark.processes
def test_queues_finds_its_nodes_in_a_cluster() -> None:
    with Cluster() as cluster:
        assert "tts" in names_of_queues({"REDIS_URL": cluster.url})


@pytest.mark.processes
def test_queues_finds_the_primary_through_a_sentinel() -> None:
    primary = RedisServer()
    sentinel = SentinelServer(primary, quorum=1)
    with running(primary, sentinel):
        await_quorum([sentinel], replicas=0)
        assert "tts" in names_of_queues({"REDIS_URL": sentinel_url([sentinel])})
