"""Turns a PostgreSQL URL as Prisma or node-postgres writes it into what libpq takes.

libpq's own parser judges it. Parameters of pools and drivers are dropped; what is about TLS is translated or
refused, for a connection without it would tell nobody.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import psycopg2
from psycopg2.extensions import parse_dsn

#: What is expected of a URL that libpq cannot read.
_NO_URL = "a URL that libpq can read, such as postgresql://user:password@host:5432/preppath"
#: libpq's modes (its manual, "SSL Mode Descriptions"), weakest first.
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
#: Parameters that decide about encryption, whoever's they are and however they are spelled.
_ABOUT_TLS = re.compile("ssl|tls|gss|channel_binding|cert", re.IGNORECASE)
_FILES = ("sslcert", "sslkey", "sslrootcert", "sslcrl")
#: libpq's name for the certificates that the operating system trusts.
_SYSTEM = "system"


class Address(NamedTuple):
    """Where a database is: connection parameters by libpq's names, and the schema (None: the server's
    default)."""

    parameters: dict[str, str]
    schema: str | None


def parse_url(url: str) -> Address:
    """Reads the URL. Prisma adds parameters of its own (`connection_limit`, `pgbouncer`, …), and libpq
    refuses a URL with one that it does not know, so only those it knows are kept. `schema` is Prisma's too.

    Raises ValueError, which says what is expected and nothing of the URL.
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
        # Not chained: libpq's text repeats the part that it stumbled over, which may be the password.
        raise ValueError(_NO_URL) from None
    _check(parameters)
    return Address(parameters, schema)


def passwords(url: str) -> list[str]:
    """Return what libpq takes for a password in the URL."""
    try:
        parameters = parse_url(url).parameters
    except ValueError:
        return []
    return [value for name, value in parameters.items() if name.endswith("password")]


def _parameters(query: str) -> dict[str, str]:
    """What libpq reads, to which + is no blank."""
    if re.search("%(?![0-9A-Fa-f]{2})", query):
        raise ValueError(_NO_URL)
    pairs = [part.partition("=") for part in query.split("&")]
    return {
        unquote(name, errors="surrogateescape"): unquote(value, errors="surrogateescape")
        for name, _, value in pairs
    }


def _translated(given: dict[str, str]) -> dict[str, str]:
    """The parameters with libpq's names and values for what Prisma and node-postgres say about TLS."""
    found = dict(given)
    if "sslidentity" in found:
        raise ValueError("sslcert and sslkey (PEM files) in place of sslidentity, which libpq does not read")
    # Prisma's sslcert is what the server's certificate is checked against, libpq's is the client's own.
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
    """What the server's certificate is checked against if the URL does not say: libpq's own default, or what
    every other connection trusts (see certificates.py)."""
    if Path("~/.postgresql/root.crt").expanduser().is_file():
        return {}
    file = os.environ.get("SSL_CERT_FILE") or (_SYSTEM if mode == "verify-full" else "")
    return {"sslrootcert": file} if file else {}


def _is_known(name: str) -> bool:
    """Whether libpq knows the parameter. Raises ValueError for one about TLS that it does not know."""
    if re.fullmatch("[a-z_]+", name):
        try:
            parse_dsn(f"{name}=''")
        except psycopg2.ProgrammingError:
            pass
        else:
            return True
    if _ABOUT_TLS.search(name):
        raise ValueError("no parameter about TLS that libpq does not know")
    return False


def _check(parameters: dict[str, str]) -> None:
    """Raises ValueError for a value that libpq would only refuse when it connects."""
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
            raise ValueError(f"{name} to name a file that is there")
