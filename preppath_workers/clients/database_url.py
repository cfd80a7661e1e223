"""Turns a PostgreSQL URL as Prisma writes it into what libpq takes."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qs

import psycopg2
from psycopg2.extensions import parse_dsn


class Address(NamedTuple):
    """Where a database is: connection parameters by libpq's names, and the schema (None: the server's
    default)."""

    parameters: dict[str, str]
    schema: str | None


def parse_url(url: str) -> Address:
    """Reads the URL. Prisma adds parameters of its own (`connection_limit`, `pgbouncer`, …), and libpq
    refuses a URL with one that it does not know, so only those it knows are kept. `schema` is Prisma's too.

    Raises ValueError, without the URL, when there is no reading it.
    """
    base, _, query = url.partition("?")
    kept = [part for part in query.split("&") if _libpq_knows(part.partition("=")[0])]
    try:
        parameters = parse_dsn(f"{base}?{'&'.join(kept)}" if kept else base)
    except psycopg2.ProgrammingError:
        # Not chained: libpq's text repeats the part that it stumbled over, which may be the password.
        raise ValueError("not a PostgreSQL URL") from None
    return Address(parameters, parse_qs(query).get("schema", [None])[-1])


def _libpq_knows(name: str) -> bool:
    if not re.fullmatch("[a-z_]+", name):
        return False
    try:
        parse_dsn(f"{name}=''")
    except psycopg2.ProgrammingError:
        return False
    return True
