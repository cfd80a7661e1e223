"""Who may use the status API, and under which host names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from .env import Environment, read_part

Scope = Literal["read", "enqueue", "admin"]

#: What a token may allow; each scope is granted by itself.
SCOPES: tuple[Scope, ...] = get_args(Scope)

_TOKEN = re.compile(r"([A-Za-z0-9._-]{1,40}):([a-z+]+):([0-9a-f]{64})")


@dataclass(frozen=True)
class Token:
    """A bearer token: whose it is, what it allows, and its SHA-256 in hex. The token itself is not stored."""

    name: str
    scopes: frozenset[Scope]
    digest: str


@dataclass(frozen=True)
class WebConfig:
    """The tokens, and the host names besides loopback's under which the server is reached."""

    tokens: tuple[Token, ...] = ()
    hosts: frozenset[str] = frozenset()


def load_web(variables: Mapping[str, str | None]) -> WebConfig:
    """Return who may use the status API. Raises ConfigError."""
    return read_part(variables, _web)


def _web(environment: Environment) -> WebConfig:
    tokens = [_token(entry.strip()) for entry in environment.text("WEB_TOKENS").split(",") if entry.strip()]
    if None in tokens:
        environment.problem(
            "WEB_TOKENS",
            "entries as `preppath-workers web --new-token NAME` prints, with commas between them",
        )
    hosts = [host.strip().lower() for host in environment.text("WEB_HOSTS").split(",") if host.strip()]
    if not all(re.fullmatch(r"[a-z0-9.-]+", host) for host in hosts):
        environment.problem("WEB_HOSTS", "host names without ports, with commas between them")
    return WebConfig(tuple(token for token in tokens if token), frozenset(hosts))


def _token(entry: str) -> Token | None:
    if not (match := _TOKEN.fullmatch(entry)):
        return None
    name, scopes, digest = match.groups()
    known = frozenset(scope for scope in SCOPES if scope in scopes.split("+"))
    return Token(name, known, digest) if len(known) == len(scopes.split("+")) else None
