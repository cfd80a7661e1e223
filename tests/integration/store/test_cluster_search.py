"""The search for a queue's node while no node of a large Cluster answers."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from preppath_workers.store.connections.cluster import ClusterLocator
from tests.support.process import HOST

pytestmark = pytest.mark.long


def test_search_among_many_silent_nodes_ends_before_all_of_them_were_asked() -> None:
    """Each takes a second. A worker that asked 30 of them would seem to hang, and be killed with its job."""
    with ExitStack() as silent:
        nodes = [silent.enter_context(socket.create_server((HOST, 0))).getsockname() for _ in range(8)]
        locator = ClusterLocator(nodes, {}, "preppath:{tts}:")
        with pytest.raises(RedisConnectionError, match=r"others? (was|were) not asked") as caught:
            locator.locate()
    asked = [node for node in nodes if f"{HOST}:{node[1]}" in str(caught.value)]
    assert 0 < len(asked) < len(nodes)
