"""A primary and two replicas, and the ways in which another one becomes the primary.

Each way returns when the failover is over, and every server follows the new primary.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from tests.support.address import Address
from tests.support.process import HOST
from tests.support.redis import RedisServer
from tests.support.sentinel import SERVICE, SentinelServer, await_quorum, follow, primary_port, sentinel_url
from tests.support.servers import running
from tests.support.waiting import eventually

#: Ms without an answer after which sentinels consider a server down, and which they allow for a failover.
_DOWN_AFTER, _FAILOVER_TIMEOUT = 2_000, 3_000

#: Seconds for which replicas are cut off before their primary is killed.
CUT_OFF = 0.5

_DEADLINE = 60.0


class Replicated:
    """The servers. `switch` tells clients about a planned switch, if no sentinel does."""

    def __init__(self, servers: Sequence[RedisServer], sentinels: Sequence[RedisServer], url: str) -> None:
        self.servers = servers
        self.sentinels = sentinels
        self.url = url
        self.switch: Callable[[int], object] = lambda port: None

    @property
    def primary(self) -> RedisServer:
        if self.sentinels:
            port = primary_port(self.sentinels[0])
            return next(server for server in self.servers if server.port == port)
        return next(server for server in self.servers if self._info(server)["role"] == "master")

    def configure(self, settings: dict[str, str]) -> None:
        for server in self.servers:
            with Redis.from_url(server.url) as client:
                for name, value in settings.items():
                    client.config_set(name, value)

    def kill(self) -> None:
        """SIGKILL to the primary."""
        old = self.primary
        old.kill()
        new = self._await_new_primary(old)
        old.start()
        follow(old, new)
        self.await_health()

    def cut_off_and_kill(self) -> None:
        """The replicas' connections break half a second before the primary is killed."""
        old = self.primary
        replicas = [server for server in self.servers if server is not old]
        for replica in replicas:  # stopped, so that they don't connect again
            os.kill(replica.pid, signal.SIGSTOP)
        with Redis.from_url(old.url) as client:
            client.client_kill_filter(_type="replica")
        time.sleep(CUT_OFF)
        old.kill()
        for replica in replicas:
            os.kill(replica.pid, signal.SIGCONT)
        new = self._await_new_primary(old)
        old.start()
        follow(old, new)
        self.await_health()

    def stop_briefly(self) -> None:
        """SIGSTOP to the primary; it goes on as soon as another one is the primary, and may still have a
        replica."""
        old = self._stopped_primary()
        try:
            self._await_new_primary(old)
        finally:
            os.kill(old.pid, signal.SIGCONT)
        self.await_health()

    def stop(self) -> None:
        """SIGSTOP to the primary; it goes on when the other replica follows the new one."""
        old = self._stopped_primary()
        try:
            new = self._await_new_primary(old)
            other = next(server for server in self.servers if server not in (old, new))
            eventually(lambda: self._follows(other, new), _DEADLINE)
        finally:
            os.kill(old.pid, signal.SIGCONT)
        self.await_health()

    def sentinel_failover(self) -> None:
        """`SENTINEL FAILOVER`: the old primary takes writes until a sentinel demotes it."""
        old = self.primary
        with Redis.from_url(self.sentinels[0].url, decode_responses=True) as client:

            def is_over() -> bool:
                """Ask again if the sentinel gave up, as when it found no replica good enough. Asked after a
                failover, it would begin the next one, mostly back to the old primary."""
                if self.primary is not old:
                    return True
                if "failover_in_progress" not in client.sentinel_master(SERVICE)["flags"]:
                    _succeeds(lambda: client.execute_command("SENTINEL", "FAILOVER", SERVICE))
                return False

            eventually(is_over, _DEADLINE, every=0.2)
        self._await_new_primary(old)
        self.await_health()

    def planned(self) -> None:
        """`FAILOVER`: the primary takes no writes until the replica has everything and is the primary."""
        old = self.primary
        new = next(server for server in self.servers if server is not old)
        with Redis.from_url(old.url) as client:
            client.execute_command("FAILOVER", "TO", HOST, new.port, "TIMEOUT", 5_000)
        eventually(lambda: self._info(new)["role"] == "master", _DEADLINE)
        eventually(lambda: self._info(old)["role"] == "slave", _DEADLINE)
        self.switch(new.port)
        for server in self.servers:
            if server is not new:
                follow(server, new)

    def await_health(self) -> None:
        """Wait until the replicas follow the primary, and the sentinels know it."""
        new = self.primary
        for server in self.servers:
            if server is not new:
                eventually(lambda server=server: self._follows(server, new), _DEADLINE)
        for sentinel in self.sentinels:
            eventually(lambda sentinel=sentinel: self._is_watched(sentinel, new), _DEADLINE, every=0.05)

    def _stopped_primary(self) -> RedisServer:
        primary = self.primary
        os.kill(primary.pid, signal.SIGSTOP)
        return primary

    def _await_new_primary(self, old: RedisServer) -> RedisServer:
        def elected() -> RedisServer | None:
            now = self.primary
            return now if now is not old and self._info(now).get("role") == "master" else None

        found = eventually(elected, _DEADLINE)
        assert found is not None
        return found

    def _follows(self, server: RedisServer, primary: RedisServer) -> bool:
        known = self._info(server)
        return (known.get("master_port"), known.get("master_link_status")) == (primary.port, "up")

    def _is_watched(self, sentinel: RedisServer, primary: RedisServer) -> bool:
        """Whether the sentinel could begin another failover."""
        with Redis.from_url(sentinel.url, decode_responses=True) as client:
            state: dict[str, Any] = client.sentinel_master(SERVICE)  # type: ignore[assignment]
            replicas: list[dict[str, Any]] = client.sentinel_slaves(SERVICE)  # type: ignore[assignment]
        healthy = [each for each in replicas if not (each["is_sdown"] or each["is_disconnected"])]
        return (
            state["port"] == primary.port
            and not state["is_sdown"]
            and "failover_in_progress" not in state["flags"]
            and len(healthy) == len(self.servers) - 1
        )

    @staticmethod
    def _info(server: RedisServer) -> dict[str, Any]:
        with Redis.from_url(server.url, decode_responses=True, socket_timeout=1) as client:
            try:
                return client.info("replication")
            except RedisError:
                return {"role": ""}


@contextmanager
def under_sentinels() -> Iterator[Replicated]:
    """Three servers and three sentinels."""
    with _servers() as servers:
        sentinels = [SentinelServer(servers[0]) for _ in range(3)]
        with running(*sentinels):
            await_quorum(sentinels, replicas=2)
            for sentinel in sentinels:
                with Redis.from_url(sentinel.url) as client:
                    client.sentinel_set(SERVICE, "down-after-milliseconds", _DOWN_AFTER)
                    client.sentinel_set(SERVICE, "failover-timeout", _FAILOVER_TIMEOUT)
            yield Replicated(servers, sentinels, sentinel_url(sentinels))


@contextmanager
def behind_an_address() -> Iterator[Replicated]:
    """Three servers without sentinels, and an address that leads to the primary, as a virtual one does."""
    with _servers() as servers, Address(servers[0].port) as address:
        replicated = Replicated(servers, (), address.url)
        replicated.switch = lambda port: setattr(address, "port", port)
        yield replicated


@contextmanager
def _servers() -> Iterator[Sequence[RedisServer]]:
    # Without a delay before a full synchronization: replicas are back in milliseconds.
    settings = {"repl-diskless-sync-delay": "0", "repl-timeout": "10"}
    servers = [RedisServer(settings=settings) for _ in range(3)]
    with running(*servers):
        for replica in servers[1:]:
            follow(replica, servers[0])
        yield servers


def _succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except RedisError:
        return False
    return True
