"""Reads how to reach PostgreSQL."""

from __future__ import annotations

from urllib.parse import urlsplit

from .env import Environment, has_host


def database_url(environment: Environment, required: bool) -> str:
    """Return the database's URL; empty if there is none."""
    expected = "a URL such as postgresql://user:password@host:5432/preppath"
    url = environment.required("DATABASE_URL", expected) if required else environment.text("DATABASE_URL")
    url = url.strip()
    if not url:
        return ""
    from .database_url import parse_url  # lazy: most commands do not need libpq

    if not url.startswith(("postgresql://", "postgres://")) or not url.isprintable():
        environment.problem("DATABASE_URL", "a URL that starts with postgresql:// or postgres://")
        return ""
    try:
        hosts = parse_url(url).parameters.get("host", "").split(",")
    except ValueError as error:
        environment.problem("DATABASE_URL", str(error))
        return ""
    if not all(map(_is_database_host, hosts)):
        environment.problem("DATABASE_URL", "a host name, an address or a socket's folder")
    return url


def _is_database_host(host: str) -> bool:
    """Return whether libpq accepts the host; empty is its default host."""
    if not host or host.startswith(("/", "@")):
        return True
    try:
        return has_host(urlsplit(f"//[{host}]" if ":" in host else f"//{host}"))
    except ValueError:
        return False
