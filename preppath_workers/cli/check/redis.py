"""Check every Redis server that has queues: that it accepts transitions, and that it does not lose jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from redis.exceptions import RedisError

from ...config.model import RedisConfig
from ...queue import Queue
from ...store.connections.clients import Clients
from ...store.reading.writes import refusal
from ...store.refusals import described, is_refusal
from .findings import Finding
from .redis_replicas import check_cluster, check_durability, check_replicas, check_role, check_sentinels
from .redis_settings import check_clock, check_persistence, check_policy, check_version, info_of

#: Seconds for each answer. Longer than Redis may be asked to wait for replicas.
_TIMEOUT = 5.0


def check_redis(config: RedisConfig, queues: Sequence[str]) -> Iterator[Finding]:
    """Check the sentinels, if there are any, and each server of these queues."""
    yield from check_sentinels(config)
    clients = Clients.prompt(config, _TIMEOUT)
    groups = clients.groups(queues)
    servers: dict[str, list[Queue]] = {}
    for names in groups:
        of_server = [Queue(name, clients.of(name), config.prefix) for name in names]
        try:
            of_server[0].redis.ping()
            run_id = info_of(of_server[0].redis, "server").get("run_id", names[0])
        except RedisError as error:
            verb = "refuses commands" if is_refusal(error) else "does not answer"
            yield _named(Finding("error", "redis", f"{verb}: {described(error)}"), names, groups)
            continue
        servers.setdefault(str(run_id), []).extend(of_server)
    for of_server in servers.values():
        names = [queue.name for queue in of_server]
        for finding in _check_server(config, of_server):
            yield _named(finding, names, groups)
    clients.close()


def _named(finding: Finding, names: Sequence[str], groups: Sequence[Sequence[str]]) -> Finding:
    """Return the finding with the names of the server's queues, if there may be several servers."""
    return replace(finding, what=f"{finding.what} ({', '.join(names)})") if len(groups) > 1 else finding


def _check_server(config: RedisConfig, queues: Sequence[Queue]) -> Iterator[Finding]:
    client = queues[0].redis
    try:
        yield check_version(client)
        role = check_role(client)
        yield role
        yield from check_cluster(client, config)
        if role.status != "error":
            yield from check_replicas(client, config)
            yield from check_durability(queues[0], config)
        yield check_policy(client)
        yield check_persistence(client)
        yield check_clock(client)
        refused = [(queue, why) for queue in queues if (why := refusal(queue))]
    except RedisError as error:
        yield Finding("error", "redis", f"does not answer: {described(error)}")
        return
    for queue, why in refused:
        yield Finding("error", f"{queue.name} transition", why)
    if not refused:
        yield Finding("ok", "redis transitions", "one was tried for each queue")
