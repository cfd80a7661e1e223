"""What happens to the node that has a queue. Each function returns when the Cluster is whole again."""

from __future__ import annotations

from collections.abc import Sequence

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from preppath_workers.store.keys import Keys
from tests.failover.load import PREFIX
from tests.support.cluster import Cluster, ClusterNode
from tests.support.waiting import eventually

_DEADLINE = 60.0

#: Names of queues to choose from.
_NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")


def queues(cluster: Cluster) -> list[str]:
    """One name for each primary, whose queue is there."""
    by_node = {owner(cluster, name).port: name for name in reversed(_NAMES)}
    assert len(by_node) == len(cluster.primaries)
    return list(by_node.values())


def move_slot(cluster: Cluster, queue: str) -> None:
    """Move the queue key by key to the next primary, as `redis-cli --cluster reshard` does."""
    source = owner(cluster, queue)
    target = cluster.primaries[(cluster.primaries.index(source) + 1) % len(cluster.primaries)]
    key = _key(queue)
    cluster.begin_move(key, target)
    cluster.move_keys(key, source, target)
    cluster.end_move(key, source, target)
    eventually(lambda: owner(cluster, queue) is target, _DEADLINE)


def switch(cluster: Cluster, queue: str) -> None:
    """`CLUSTER FAILOVER`: the replica takes over once it has everything."""
    old = owner(cluster, queue)
    _replica_of(cluster, old).call("CLUSTER", "FAILOVER")
    _await_new_owner(cluster, queue, old)


def kill(cluster: Cluster, queue: str) -> None:
    """SIGKILL to the primary; it comes back as a replica."""
    old = owner(cluster, queue)
    old.kill()
    eventually(lambda: owner(cluster, queue) is not old, _DEADLINE)
    old.start()
    _await_new_owner(cluster, queue, old)


def owner(cluster: Cluster, queue: str) -> ClusterNode:
    """The primary that has the queue, as most nodes see it."""
    seen = [port for node in cluster.nodes if (port := _owner_port(node, _key(queue)))]
    port = max(seen, key=seen.count)
    return next(node for node in cluster.nodes if node.port == port)


def _owner_port(node: ClusterNode, key: str) -> int | None:
    try:
        slots: Sequence[Sequence[object]] = _ask(node, "CLUSTER", "SLOTS")  # type: ignore[assignment]
    except RedisError:
        return None
    for first, last, (_, port, *_), *_ in slots:  # type: ignore[misc]
        if first <= key_slot(key.encode()) <= last:
            return int(port)
    return None


def _await_new_owner(cluster: Cluster, queue: str, old: ClusterNode) -> None:
    eventually(lambda: owner(cluster, queue) is not old, _DEADLINE)
    eventually(lambda: _is_replica(old), _DEADLINE)
    eventually(lambda: all(map(_is_ok, cluster.nodes)), _DEADLINE)


def _replica_of(cluster: Cluster, primary: ClusterNode) -> ClusterNode:
    return next(node for node in cluster.nodes if _info(node).get("master_port") == primary.port)


def _is_replica(node: ClusterNode) -> bool:
    return _info(node).get("master_link_status") == "up"


def _is_ok(node: ClusterNode) -> bool:
    return "cluster_state:ok" in str(_ask(node, "CLUSTER", "INFO"))


def _info(node: ClusterNode) -> dict[str, object]:
    return _ask(node, "INFO", "replication")  # type: ignore[return-value]


def _ask(node: ClusterNode, *words: str) -> object:
    with Redis.from_url(node.url, decode_responses=True, socket_timeout=1) as client:
        return client.execute_command(*words)


def _key(queue: str) -> str:
    return Keys(PREFIX, queue).base
