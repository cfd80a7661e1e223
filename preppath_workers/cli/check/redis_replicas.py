"""Check a Redis server's part among others: its role, its replicas, its sentinels, its Cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis
from redis.connection import parse_url
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from ...config.model import RedisConfig
from ...config.redis_url import split_url
from ...queue import Queue
from ...queue.formatting import counted
from ...store.connections.locator import ask
from ...store.operation import perform
from ...store.refusals import described
from ...store.scripts import call_and_confirm
from .findings import Finding
from .redis_settings import MAY_NOT_ASK, info_of

#: Seconds since a replica's last sign of life; healthy ones give one each second.
_LONGEST_LAG = 10


def check_role(client: redis.Redis) -> Finding:
    """Check that the server is a primary."""
    info = info_of(client, "replication")
    if "role" not in info:
        return Finding("warning", "redis role", MAY_NOT_ASK)
    if info["role"] != "master":
        where = f"{info.get('master_host')}:{info.get('master_port')}"
        return Finding("error", "redis role", f"this is a replica of {where}, writes are refused")
    return Finding("ok", "redis role", "primary")


def check_replicas(client: redis.Redis, config: RedisConfig) -> Iterator[Finding]:
    """Check that a primary's replicas keep up, and that it has some if one of them is to take over."""
    info = info_of(client, "replication")
    if "role" not in info:
        return
    replicas = [state for name, state in info.items() if name[5:].isdigit() and isinstance(state, dict)]
    online = [state for state in replicas if state["state"] == "online"]
    late = [state for state in online if int(state.get("lag", 0)) > _LONGEST_LAG]
    if late:
        detail = f"{late[0]['ip']}:{late[0]['port']} has confirmed nothing for {late[0]['lag']} s"
        yield Finding("warning", "redis replicas", detail)
    elif online:
        bounded = "" if "min_slaves_good_slaves" in info else "; min-replicas-to-write is not set"
        yield Finding("ok", "redis replicas", f"{len(online)} connected{bounded}")
    elif split_url(config.url).topology != "server":
        yield Finding("warning", "redis replicas", "none is connected: after a failure, no server takes over")


def check_durability(queue: Queue, config: RedisConfig) -> Iterator[Finding]:
    """Check that as many replicas confirm a write in time as producers and workers wait for."""
    for variable, durability in (
        ("ENQUEUE_WAIT_REPLICAS", config.enqueue),
        ("CHECKPOINT_WAIT_REPLICAS", config.checkpoint),
    ):
        if not durability:
            continue
        trial = call_and_confirm(queue.keys.base, durability, "try_write")
        try:
            _, missing = perform(trial, queue.read.take)
        except ResponseError as error:
            yield Finding("error", variable, f"cannot be asked for: {described(error)}")
            continue
        if missing:
            disk = "" if missing.on_disk else ", and the primary's disk did not"
            found = f"{missing.confirmed} of {missing.wanted} replicas confirmed a write{disk}"
            yield Finding("error", variable, f"{found} within {durability.seconds:g} s")
        else:
            yield Finding("ok", variable, f"{counted(durability.replicas, 'replica')} confirmed a write")


def check_cluster(client: redis.Redis, config: RedisConfig) -> Iterator[Finding]:
    """Check the state of a Cluster, and that REDIS_URL says that it is one."""
    is_node = bool(info_of(client, "cluster").get("cluster_enabled"))
    if not is_node:
        return
    if split_url(config.url).topology != "cluster":
        detail = "REDIS_URL names one node of a Cluster: begin it with redis+cluster:// or rediss+cluster://"
        yield Finding("error", "redis cluster", detail)
        return
    try:
        answer: Any = client.execute_command("CLUSTER", "INFO")
    except NoPermissionError:
        return
    # redis-py parses it or not, depending on its version.
    state = answer if isinstance(answer, dict) else dict(line.split(":", 1) for line in answer.split())
    nodes, slots = state.get("cluster_known_nodes"), state.get("cluster_slots_ok")
    if state.get("cluster_state") != "ok":
        yield Finding("error", "redis cluster", f"it is down: {slots} of 16384 slots are served")
    else:
        yield Finding("ok", "redis cluster", counted(int(nodes or 0), "node"))


def check_sentinels(config: RedisConfig) -> Iterator[Finding]:
    """Check that every sentinel answers, and that they could agree on a failover."""
    url = split_url(config.url)
    for host, port in url.hosts if url.topology == "sentinel" else ():
        what = f"sentinel {host}:{port}"
        try:
            answer = ask(parse_url(url.sentinel), (host, port), "SENTINEL", "CKQUORUM", url.service)
        except NoPermissionError:
            continue
        except ResponseError as error:
            yield Finding("error", what, str(error))
        except RedisError as error:
            yield Finding("warning", what, f"does not answer: {error}")
        else:
            yield Finding("ok", what, str(answer))
