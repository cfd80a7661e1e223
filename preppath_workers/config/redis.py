"""Reads how to reach Redis: a URL, or a host, a port and a password.

`redis_url.py` describes the URLs of sentinels and of a Cluster.

redis-py accepts any client setting as a parameter of the URL, which would override settings that the queue
relies on, such as timeouts and retries. So only the address, credentials and TLS files are accepted here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from . import urls
from .durability import LONGEST_WAIT, Durability
from .env import Environment, has_host
from .model import RedisConfig
from .redis_url import FOR_SENTINELS, PREFIX, PREFIX_IN_WORDS, host_parts, split_url, topology_of

_ANY = re.compile(r".*", re.DOTALL)
_DATABASE = re.compile(r"[0-9]{0,5}")
_PARAMETERS: Mapping[str, re.Pattern[str]] = {
    "db": _DATABASE,
    "username": _ANY,
    "password": _ANY,
    "client_name": re.compile(r"[!-~]*"),  # Redis rejects blanks
}
_PATHS = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
_TLS_PARAMETERS: Mapping[str, re.Pattern[str]] = {
    "ssl_cert_reqs": re.compile(r"none|optional|required"),
    "ssl_check_hostname": re.compile(r"true|false", re.IGNORECASE),
    **dict.fromkeys((*_PATHS, "ssl_password"), _ANY),
}
_SENTINEL_PARAMETERS: Mapping[str, re.Pattern[str]] = {
    f"{FOR_SENTINELS}username": _ANY,
    f"{FOR_SENTINELS}password": _ANY,
}
#: Sentinel's own rule for the name of a service, and the number of a database.
_SERVICE = re.compile(r"/[A-Za-z0-9._-]+(/[0-9]{0,5})?")

_SCHEMES = (
    *("redis", "rediss", "unix"),
    *(f"{scheme}+{topology}" for topology in ("sentinel", "cluster") for scheme in ("redis", "rediss")),
)
_EXPECTED = (
    ", a host (unix: a path; sentinel: hosts and the service's name; cluster: hosts), at most the number of "
    f"a database, and no parameters but {', '.join(_PARAMETERS)}; for rediss also "
    f"{', '.join(_TLS_PARAMETERS)}; for sentinel also {', '.join(_SENTINEL_PARAMETERS)}; "
    "in user and password, # is written %23, @ %40, / %2F, ? %3F and % %25"
)


def redis(environment: Environment) -> RedisConfig:
    """Return how to reach Redis. Problems are recorded in `environment`."""
    # With a URL, the others are not read: for a Service named redis, Kubernetes sets REDIS_PORT to tcp://….
    has_url = bool(environment.text("REDIS_URL").strip())
    return RedisConfig(
        url=_url(environment, "" if has_url else _url_of_parts(environment)),
        prefix=environment.pattern("KEY_PREFIX", RedisConfig.prefix, PREFIX, PREFIX_IN_WORDS),
        enqueue=_durability(environment, "ENQUEUE_WAIT_REPLICAS"),
        checkpoint=_durability(environment, "CHECKPOINT_WAIT_REPLICAS"),
    )


def _url_of_parts(environment: Environment) -> str:
    host = environment.pattern("REDIS_HOST", "localhost", r"[A-Za-z0-9_.:-]+", "a host name or an address")
    host = f"[{host}]" if ":" in host else host  # IPv6
    port = environment.integer("REDIS_PORT", 6379, minimum=1, maximum=65_535)
    password = quote(environment.text("REDIS_PASSWORD"), safe="")
    if not _is_host(f"//{host}"):
        environment.problem("REDIS_HOST", "a host name or an address")
    return f"redis://{':' + password + '@' if password else ''}{host}:{port}"


def _url(environment: Environment, default: str) -> str:
    url = environment.url("REDIS_URL", default, _SCHEMES, _is_address, _EXPECTED)
    # The client would look for the files at each connect, as if Redis didn't answer.
    for name, path in parse_qsl(urls.split(url).query if url != default else ""):
        if name in _PATHS and not os.access(path, os.R_OK):
            environment.problem("REDIS_URL", f"{name} to name a file or folder that this user can read")
    return url


def _durability(environment: Environment, variable: str) -> Durability | None:
    replicas = environment.integer(variable, 0, minimum=0, maximum=100)
    seconds = environment.seconds("WAIT_SECONDS", Durability.seconds, minimum=0.001)
    fsync = environment.flag("WAIT_FSYNC", Durability.fsync)
    if seconds > LONGEST_WAIT:
        environment.problem("WAIT_SECONDS", f"a number of seconds from 0.001 to {LONGEST_WAIT:g}")
        return None
    return Durability(replicas, seconds, fsync) if replicas else None


def _is_host(url: str) -> bool:
    try:
        return has_host(urlsplit(url))
    except ValueError:
        return False


def _is_address(parts: SplitResult) -> bool:
    topology = topology_of(parts.scheme)
    known = _parameters(parts.scheme)
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known or not known[name].fullmatch(value):
            return False
    if parts.scheme == "unix":
        return len(parts.path) > 1 and not parts.hostname
    if topology == "server":
        return has_host(parts) and _DATABASE.fullmatch(parts.path.removeprefix("/")) is not None
    if not all(map(has_host, host_parts(parts))):
        return False
    return bool(_SERVICE.fullmatch(parts.path)) if topology == "sentinel" else parts.path in ("", "/")


def _parameters(scheme: str) -> Mapping[str, re.Pattern[str]]:
    known = {**_PARAMETERS}
    if scheme.startswith("rediss"):
        known.update(_TLS_PARAMETERS)
    topology = topology_of(scheme)
    if topology == "sentinel":
        known.update(_SENTINEL_PARAMETERS)
    if topology == "cluster":
        known.pop("db")  # a Cluster has database 0 only
    return known


def leads_elsewhere(old: RedisConfig, new: RedisConfig) -> bool:
    """Return whether two configurations lead to different keys. Credentials, options, and the addresses of
    sentinels and of a Cluster's nodes may change."""
    return (old.prefix, _place(old.url)) != (new.prefix, _place(new.url))


def _place(url: str) -> tuple[str, ...]:
    leads = split_url(url)
    if leads.topology == "cluster":
        return (leads.topology,)
    parts = urlsplit(leads.server)
    database = dict(parse_qsl(parts.query)).get("db", "")
    if parts.scheme == "unix":
        return leads.topology, parts.path, database or "0"
    database = database or parts.path.removeprefix("/") or "0"
    if leads.topology == "sentinel":
        return leads.topology, leads.service, database
    return leads.topology, parts.hostname or "", str(parts.port or 6379), database
