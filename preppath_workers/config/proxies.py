"""The HTTP proxies that the clients of OpenAI, S3 and the webhook use.

Each library reads the environment itself, and each fails in its own way for a proxy that it cannot use: some
at start, some as if the service were away, some with the proxy's password in the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from .env import Environment, has_host

#: Libraries read these in lower case too.
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
_EXCEPTIONS = "NO_PROXY"
#: The names in upper case.
NAMES = _PROXIES | {_EXCEPTIONS}

#: What to set instead of a proxy that cannot be used.
_EXPECTED = "the URL of an HTTP proxy, such as http://proxy.example.com:3128 (SOCKS is not supported)"


def proxies(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables about proxies. A proxy without a scheme, as most programs accept it, gets one."""
    return {
        name: f"http://{value}" if name.upper() in _PROXIES and "://" not in value else value
        for name, value in variables.items()
        if name.upper() in NAMES and value
    }


def check_proxies(environment: Environment, variables: Mapping[str, str | None]) -> None:
    """Record a problem for each variable with a proxy that not all clients can use."""
    for name in variables:
        if name.upper() in _PROXIES and not _is_http_proxy(variables[name] or ""):
            environment.problem(name, _EXPECTED)


def _is_http_proxy(url: str) -> bool:
    if not url:
        return True
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        return parts.scheme in ("http", "https") and has_host(parts)
    except ValueError:
        return False
