"""A Redis Cluster on loopback: primaries, replicas, and moving a queue's slot between them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from typing import Any, Self

from redis import Redis
from redis.crc import key_slot

from tests.support.process import HOST, free_port
from tests.support.redis import RedisServer, program
from tests.support.servers import running
from tests.support.waiting import eventually

_SLOTS = 16_384

#: Ms without an answer after which the nodes consider one of them down.
_NODE_TIMEOUT = 2_000


@cache
def has_chosen_bus_port(server: str) -> bool:
    """Whether the port of the Cluster's bus can be set: not with Redis 6.2."""
    printed = subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout
    return " v=6." not in printed


class ClusterNode(RedisServer):
    """A server in cluster mode; it keeps its identity if it is killed and started again."""

    def __init__(self) -> None:
        settings = {"cluster-enabled": "yes", "cluster-node-timeout": str(_NODE_TIMEOUT)}
        if has_chosen_bus_port(program()):
            self.bus_port = free_port()
            super().__init__(settings={**settings, "cluster-port": str(self.bus_port)})
        else:
            super().__init__(settings=settings)
            self.bus_port = self.port + 10_000

    def call(self, *words: str | int) -> Any:
        """Return the node's answer to a command."""
        with Redis.from_url(self.url, decode_responses=True) as client:
            return client.execute_command(*words)

    @property
    def id(self) -> str:
        """The node's name in the Cluster."""
        return str(self.call("CLUSTER", "MYID"))


class Cluster:
    """Three primaries with a third of the slots each, and as many replicas as asked for."""

    def __init__(self, replicas: int = 0) -> None:
        self.primaries = [ClusterNode() for _ in range(3)]
        self.replicas = [ClusterNode() for _ in range(replicas)]
        self._stack = ExitStack()

    @property
    def nodes(self) -> Sequence[ClusterNode]:
        return [*self.primaries, *self.replicas]

    @property
    def url(self) -> str:
        """The product's URL, which names the primaries."""
        return "redis+cluster://" + ",".join(f"{HOST}:{node.port}" for node in self.primaries)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(running(*self.nodes))
            self._form()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _form(self) -> None:
        first = self.primaries[0]
        for number, node in enumerate(self.primaries):
            begin, end = (_SLOTS * part // len(self.primaries) for part in (number, number + 1))
            node.call("CLUSTER", "ADDSLOTS", *range(begin, end))
        for number, node in enumerate(self.nodes, start=1):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", number)
            if node is not first:
                node.call("CLUSTER", "MEET", HOST, first.port, first.bus_port)
        eventually(lambda: all(self._knows_all(node) for node in self.nodes), deadline=30)
        for replica, primary in zip(self.replicas, self.primaries, strict=False):
            replica.call("CLUSTER", "REPLICATE", primary.id)
        eventually(lambda: all(self._is_ok(node) for node in self.nodes), deadline=30)
        eventually(lambda: all(map(self._is_synced, self.replicas)), deadline=30)

    def _knows_all(self, node: ClusterNode) -> bool:
        known: str = node.call("CLUSTER", "NODES")
        return len(known.splitlines()) == len(self.nodes) and "handshake" not in known

    @staticmethod
    def _is_ok(node: ClusterNode) -> bool:
        return "cluster_state:ok" in str(node.call("CLUSTER", "INFO"))

    @staticmethod
    def _is_synced(node: ClusterNode) -> bool:
        return bool(node.call("INFO", "replication").get("master_link_status") == "up")

    def owner_of(self, key: str) -> ClusterNode:
        """The primary that has the key's slot."""
        slot = key_slot(key.encode())
        for first, last, (_, port, *_), *_ in self.primaries[0].call("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise LookupError(key)

    def begin_move(self, key: str, target: ClusterNode) -> ClusterNode:
        """Begin to move the key's slot as `redis-cli --cluster reshard` does; return the node that has it."""
        source, slot = self.owner_of(key), key_slot(key.encode())
        target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        return source

    def move_keys(self, key: str, source: ClusterNode, target: ClusterNode) -> int:
        """Move the keys of the key's slot; return how many."""
        moved, slot = 0, key_slot(key.encode())
        while keys := source.call("CLUSTER", "GETKEYSINSLOT", slot, 100):
            source.call("MIGRATE", HOST, target.port, "", 0, 5_000, "KEYS", *keys)
            moved += len(keys)
        return moved

    def end_move(self, key: str, source: ClusterNode, target: ClusterNode) -> None:
        """Give the slot to the target."""
        for node in (target, source, *(other for other in self.primaries if other not in (source, target))):
            node.call("CLUSTER", "SETSLOT", key_slot(key.encode()), "NODE", target.id)
