"""Finds the node of a Redis Cluster that has a queue.

A queue's keys share a hash slot, so a queue needs one connection, to one node. If the slot moves to
another node, the old one answers MOVED, and the connection is opened again to the new one.

ASK isn't followed. While a slot is moved key by key, the scripts' declared key, which never exists, makes the
old node refuse all of them with ASK. On the new node, they would run on half of the queue's keys.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from time import monotonic
from typing import Any

from redis.crc import key_slot
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from ...config.redis_url import Address
from .locator import ask

#: Seconds after which no further node is asked: one that does not answer takes a second, and a worker that
#: asks 30 of them seems to hang. The next search asks others.
_LONGEST_SEARCH = 3.0


class ClusterLocator:
    """Asks the nodes which of them has the slot of a queue, and follows redirections."""

    #: A node that doesn't have the slot says so in answer to the first command.
    checks_role = False

    def __init__(self, nodes: Iterable[Address], settings: Mapping[str, Any], base: str) -> None:
        """Create a locator of one queue.

        Args:
            nodes: some of the Cluster's nodes.
            settings: what a connection to any of them needs besides its address.
            base: what the queue's keys begin with.
        """
        self._given = tuple(nodes)
        self._known: tuple[Address, ...] = ()
        self._settings = settings
        self._slot = key_slot(base.encode())
        self._redirected_to: Address | None = None

    def locate(self) -> Address:
        """Return where the last connection was redirected to, or else the address that any node gives."""
        redirected_to, self._redirected_to = self._redirected_to, None
        if redirected_to:
            return redirected_to
        failures: list[str] = []
        rejections, give_up_at = 0, monotonic() + _LONGEST_SEARCH
        # In random order: a node that is cut off from the others knows only how the Cluster was before.
        nodes = list(dict.fromkeys((*self._known, *self._given)))
        for node in random.sample(nodes, len(nodes)):
            if monotonic() > give_up_at:
                others = len(nodes) - len(failures)
                failures.append(f"{others} {'other was' if others == 1 else 'others were'} not asked")
                break
            try:
                slots = list(_slots(ask(self._settings, node, "CLUSTER", "SLOTS"), node))
            except RedisError as error:
                rejections += isinstance(error, AuthenticationError)
                failures.append(f"{node[0]}:{node[1]}: {error}")
                continue
            for first, last, addresses in slots:
                if first <= self._slot <= last:
                    self._known = tuple(each for _, _, others in slots for each in others)
                    return addresses[0]
            failures.append(f"{node[0]}:{node[1]} knows no node that has it")
        kind = AuthenticationError if rejections == len(nodes) else RedisConnectionError
        raise kind(f"no node tells where hash slot {self._slot} is: {'; '.join(failures)}")

    def redirect(self, address: Address) -> None:
        """Connect to this node next time."""
        self._redirected_to = address


def _slots(answer: list[Any], asked: Address) -> Iterator[tuple[int, int, list[Address]]]:
    """Yield first slot, last slot and nodes, the primary first, from the answer to CLUSTER SLOTS."""
    for first, last, *nodes in answer:
        # A node that doesn't know its own address leaves it out: it is the one that we asked.
        yield first, last, [(host if host and host != "?" else asked[0], port) for host, port, *_ in nodes]
