"""A primary, its replicas and the sentinels that watch them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redis import Redis

from tests.support.process import HOST
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

#: What the sentinels call the primary and its replicas.
SERVICE = "queues"

#: Ms without an answer after which a sentinel considers a server down: short, but steady under load.
DOWN_AFTER = 1_000


class SentinelServer(RedisServer):
    """A sentinel that watches the primary. `settings` are lines of its configuration file."""

    def __init__(
        self, primary: RedisServer, quorum: int = 2, settings: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(settings=settings)
        self._watched = {
            "monitor": f"{SERVICE} {HOST} {primary.port} {quorum}",
            "down-after-milliseconds": f"{SERVICE} {DOWN_AFTER}",
            "failover-timeout": f"{SERVICE} 5000",
        }
        if primary.password:
            self._watched["auth-pass"] = f"{SERVICE} {primary.password}"

    def command(self) -> Sequence[str]:
        program = super().command()[0]
        path = self.directory / "sentinel.conf"
        if not path.exists():  # a sentinel that is started again goes on from what it has stored there
            own = {"port": str(self.port), "bind": HOST, "dir": str(self.directory), **self._settings}
            lines = [f"{name} {value}" for name, value in own.items()]
            lines += [f"sentinel {name} {value}" for name, value in self._watched.items()]
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return [program, str(path), "--sentinel"]


def follow(replica: RedisServer, primary: RedisServer) -> None:
    """Make one server the replica of another, and wait until it has all data."""
    with Redis.from_url(replica.url) as client:
        client.replicaof(HOST, primary.port)
        eventually(lambda: client.info("replication")["master_link_status"] == "up", deadline=30)


def sentinel_url(sentinels: Sequence[RedisServer], credentials: str = "", parameters: str = "") -> str:
    """The product's URL for these sentinels."""
    hosts = ",".join(f"{HOST}:{sentinel.port}" for sentinel in sentinels)
    return f"redis+sentinel://{credentials}{hosts}/{SERVICE}/0{parameters}"


def await_quorum(sentinels: Sequence[RedisServer], replicas: int) -> None:
    """Wait until each sentinel knows the replicas and the other sentinels: a failover needs both."""
    for sentinel in sentinels:
        with Redis.from_url(sentinel.url, decode_responses=True) as client:

            def is_complete(client: Redis = client) -> bool:
                state: dict[str, Any] = client.sentinel_master(SERVICE)  # type: ignore[assignment]
                known = (state["num-slaves"], state["num-other-sentinels"])
                return known == (replicas, len(sentinels) - 1)

            eventually(is_complete, deadline=30)


def primary_port(sentinel: RedisServer) -> int:
    """The port of the primary that the sentinel names."""
    with Redis.from_url(sentinel.url, decode_responses=True) as client:
        found: Any = client.sentinel_get_master_addr_by_name(SERVICE)
        return int(found[1])
