"""Reads how to reach Redis: a URL, or a host, a port and a password.

redis-py accepts any client setting as a parameter of the URL, and such a parameter overrides the settings
that the queue relies on, such as timeouts and retries. So only the address, credentials and TLS files are
accepted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from .env import Environment, has_host
from .model import RedisConfig

_ANY = re.compile(r".*", re.DOTALL)
_DATABASE = re.compile(r"[0-9]{0,5}")
_PARAMETERS: Mapping[str, re.Pattern[str]] = {
    "db": _DATABASE,
    "username": _ANY,
    "password": _ANY,
    "client_name": re.compile(r"[!-~]*"),  # Redis rejects blanks
}
_TLS_PARAMETERS: Mapping[str, re.Pattern[str]] = {
    "ssl_cert_reqs": re.compile(r"none|optional|required"),
    "ssl_check_hostname": re.compile(r"true|false", re.IGNORECASE),
    **dict.fromkeys(("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password"), _ANY),
}
_EXPECTED = (
    ", a host (unix: a path), at most the number of a database, and no parameters but "
    f"{', '.join(_PARAMETERS)}; for rediss also {', '.join(_TLS_PARAMETERS)}"
)


def redis(environment: Environment) -> RedisConfig:
    """Return how to reach Redis. Problems are recorded in `environment`."""
    host = environment.pattern("REDIS_HOST", "localhost", r"[A-Za-z0-9_.:-]+", "a host name or an address")
    host = f"[{host}]" if ":" in host else host  # IPv6
    port = environment.integer("REDIS_PORT", 6379, minimum=1, maximum=65_535)
    password = quote(environment.text("REDIS_PASSWORD"), safe="")
    default = f"redis://{':' + password + '@' if password else ''}{host}:{port}"
    if not _is_host(f"//{host}"):
        environment.problem("REDIS_HOST", "a host name or an address")
    return RedisConfig(
        url=environment.url("REDIS_URL", default, ("redis", "rediss", "unix"), _is_address, _EXPECTED),
        prefix=environment.pattern(
            "KEY_PREFIX", RedisConfig.prefix, r"[A-Za-z0-9_.:-]{1,64}", "letters, digits and _ . : - only"
        ),
    )


def _is_host(url: str) -> bool:
    try:
        return has_host(urlsplit(url))
    except ValueError:
        return False


def _is_address(parts: SplitResult) -> bool:
    known = {**_PARAMETERS, **_TLS_PARAMETERS} if parts.scheme == "rediss" else _PARAMETERS
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known or not known[name].fullmatch(value):
            return False
    if parts.scheme == "unix":
        return len(parts.path) > 1 and not parts.hostname
    return has_host(parts) and _DATABASE.fullmatch(parts.path.removeprefix("/")) is not None
