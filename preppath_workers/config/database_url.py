"""Translates PostgreSQL URLs of Prisma and node-postgres into libpq's connection parameters.

libpq's own parser validates the URL. Parameters of pools and drivers are dropped. TLS parameters are
translated or refused, because a connection without the requested TLS would go unnoticed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import psycopg2
from psycopg2.extensions import parse_dsn

#: Expected instead of a URL that libpq cannot parse.
_VALID_URL = "a URL that libpq can read, such as postgresql://user:password@host:5432/preppath"
#: Values of sslmode (libpq's manual, "SSL Mode Descriptions"), weakest first.
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
#: Names of parameters about encryption, of any driver.
_ABOUT_TLS = re.compile("ssl|tls|gss|channel_binding|cert", re.IGNORECASE)
_FILES = ("sslcert", "sslkey", "sslrootcert", "sslcrl")
#: libpq's name for the certificates that the operating system trusts.
_SYSTEM = "system"


class Address(NamedTuple):
    """libpq's connection parameters, and the schema (None for the server's default)."""

    parameters: dict[str, str]
    schema: str | None


def parse_url(url: str) -> Address:
    """Return the connection parameters of the URL.

    libpq rejects unknown parameters, so those of Prisma (`connection_limit`, `pgbouncer`, …) are dropped.
    `schema`, also Prisma's, is kept.

    Raises ValueError, which says what is expected and does not repeat the URL.
    """
    base, _, query = url.partition("?")
    given = _parameters(query)
    schema = given.get("schema") or None
    known = {name: value for name, value in _translated(given).items() if _is_known(name)}
    try:
        encoded = "&".join(
            f"{name}={quote(value, safe='', errors='surrogateescape')}" for name, value in known.items()
        )
        parameters = parse_dsn(f"{base}?{encoded}" if known else base)
    except psycopg2.ProgrammingError:
        # Not chained: libpq's message repeats a part of the URL, which may be the password.
        raise ValueError(_VALID_URL) from None
    _check(parameters)
    return Address(parameters, schema)


def passwords(url: str) -> list[str]:
    """Return the passwords in the URL, as libpq reads it."""
    try:
        parameters = parse_url(url).parameters
    except ValueError:
        return []
    return [value for name, value in parameters.items() if name.endswith("password")]


def _parameters(query: str) -> dict[str, str]:
    """Return the query's parameters as libpq decodes them: `+` is not a blank."""
    if re.search("%(?![0-9A-Fa-f]{2})", query):
        raise ValueError(_VALID_URL)
    pairs = [part.partition("=") for part in query.split("&")]
    return {
        unquote(name, errors="surrogateescape"): unquote(value, errors="surrogateescape")
        for name, _, value in pairs
    }


def _translated(given: dict[str, str]) -> dict[str, str]:
    """Return the parameters with Prisma's and node-postgres's TLS parameters as libpq's."""
    found = dict(given)
    if "sslidentity" in found:
        raise ValueError("sslcert and sslkey (PEM files) in place of sslidentity, which libpq does not read")
    # In Prisma sslcert is the root certificate, in libpq the client's certificate.
    if "sslcert" in found and not found.keys() & {"sslkey", "sslrootcert"}:
        found["sslrootcert"] = found.pop("sslcert")
    if (ssl := found.pop("ssl", None)) is not None:
        if ssl.lower() not in ("true", "1", "false", "0"):
            raise ValueError("ssl to be true or false, or sslmode in its place")
        found.setdefault("sslmode", "require" if ssl.lower() in ("true", "1") else "disable")
    if found.get("sslmode") == "no-verify":
        found["sslmode"] = "require"
    accept = found.pop("sslaccept", "accept_invalid_certs")
    if accept not in ("strict", "accept_invalid_certs"):
        raise ValueError("sslaccept to be strict or accept_invalid_certs")
    if accept == "strict":
        if found.get("sslmode") == "disable":
            raise ValueError("sslmode and sslaccept that do not contradict each other")
        found["sslmode"] = "verify-full"
    if found.get("sslmode") in ("verify-ca", "verify-full") and not found.get("sslrootcert"):
        found.update(_trusted(found["sslmode"]))
    return found


def _trusted(mode: str) -> dict[str, str]:
    """Return the root certificates if the URL names none: libpq's default file, or the certificates that all
    other connections trust (see certificates.py)."""
    if Path("~/.postgresql/root.crt").expanduser().is_file():
        return {}
    file = os.environ.get("SSL_CERT_FILE") or (_SYSTEM if mode == "verify-full" else "")
    return {"sslrootcert": file} if file else {}


def _is_known(name: str) -> bool:
    """Return whether libpq knows the parameter. Raises ValueError for an unknown TLS parameter."""
    if re.fullmatch("[a-z_]+", name):
        try:
            parse_dsn(f"{name}=''")
        except psycopg2.ProgrammingError:
            pass
        else:
            return True
    if _ABOUT_TLS.search(name):
        raise ValueError("no TLS parameter that libpq does not know")
    return False


def _check(parameters: dict[str, str]) -> None:
    """Raise ValueError for a value that libpq would only reject when it connects."""
    if parameters.get("sslmode", "prefer") not in _MODES:
        raise ValueError(f"sslmode to be one of {', '.join(_MODES)}")
    if not re.fullmatch("[0-9]{0,9}", parameters.get("connect_timeout", "")):
        raise ValueError("connect_timeout to be a whole number of seconds")
    for port in filter(None, parameters.get("port", "").split(",")):
        if not re.fullmatch("[0-9]{1,5}", port) or not 1 <= int(port) <= 65_535:
            raise ValueError("a port from 1 to 65535")
    for name in _FILES:
        path = parameters.get(name)
        if path and not (name == "sslrootcert" and path == _SYSTEM) and not Path(path).is_file():
            raise ValueError(f"{name} to name a file that exists")
