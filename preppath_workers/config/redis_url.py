"""Splits a Redis URL into the servers that it names and the settings of a connection to each.

Several servers are written as in the library `limits`:

* `redis+sentinel://user:password@host:26379,host:26379/service/0`: sentinels, the service that they watch,
  and the number of the database
* `redis+cluster://user:password@host:7000,host:7000`: some nodes of a Redis Cluster

With `rediss+…`, all of them are reached over TLS. The parameters `sentinel_username` and `sentinel_password`
are for the sentinels, user and password for Redis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from . import urls

#: One server, a primary that sentinels name, or the nodes of a Cluster.
Topology = Literal["server", "sentinel", "cluster"]

Address = tuple[str, int]

#: What the prefix of all keys looks like, as a pattern and in words. Braces would be a Cluster's hash tag.
PREFIX, PREFIX_IN_WORDS = r"[A-Za-z0-9_.:-]{1,64}", "letters, digits and _ . : - only"

#: What begins the names of parameters that are for the sentinels.
FOR_SENTINELS = "sentinel_"

_PORTS = {"sentinel": 26_379, "cluster": 6_379}


@dataclass(frozen=True)
class RedisUrl:
    """What a Redis URL says.

    Args:
        topology: what the URL leads to.
        server: the URL of one server, as redis-py reads it; with several, that of the first.
        hosts: the sentinels, or nodes of the Cluster; empty for one server.
        service: what the sentinels call the primary and its replicas.
        sentinel: the URL of one sentinel, to be used with the others' addresses as well.
    """

    topology: Topology
    server: str
    hosts: tuple[Address, ...] = ()
    service: str = ""
    sentinel: str = ""


def topology_of(scheme: str) -> Topology:
    """Return what URLs with this scheme lead to."""
    name = scheme.partition("+")[2]
    return "sentinel" if name == "sentinel" else "cluster" if name == "cluster" else "server"


def split_url(url: str) -> RedisUrl:
    """Split a URL that `config.redis` has accepted. Raises ValueError for a host that isn't one."""
    parts = urls.split(url)
    topology = topology_of(parts.scheme)
    if topology == "server":
        return RedisUrl(topology, url)
    scheme = parts.scheme.partition("+")[0]
    credentials, at, _ = parts.netloc.rpartition("@")
    hosts = tuple(_address(host, _PORTS[topology]) for host in host_parts(parts))
    service, _, database = parts.path.removeprefix("/").partition("/")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    own = [pair for pair in pairs if not pair[0].startswith(FOR_SENTINELS)]
    first = _netloc(hosts[0])
    server = f"{scheme}://{credentials}{at}{first}/{database}?{urlencode(own)}"
    if topology == "cluster":
        return RedisUrl(topology, server, hosts)
    login = [(name.removeprefix(FOR_SENTINELS), value) for name, value in pairs if name not in dict(own)]
    tls = [pair for pair in own if pair[0].startswith("ssl_")]
    sentinel = f"{scheme}://{first}?{urlencode([*login, *tls])}"
    return RedisUrl(topology, server, hosts, unquote(service), sentinel)


def host_parts(parts: SplitResult) -> list[SplitResult]:
    """Return each of the URL's servers, as if it were the only one."""
    return [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]


def _address(parts: SplitResult, port: int) -> Address:
    return parts.hostname or "", parts.port or port


def _netloc(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
