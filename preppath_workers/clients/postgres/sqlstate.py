"""Whose failure a PostgreSQL error is, by its SQLSTATE (PostgreSQL's manual, appendix A)."""

from __future__ import annotations

import re

import psycopg2

from ...errors import JobError, PermanentError, ServiceError, TransientError
from ..machine import machine_error_of_text

#: Caused by the server's settings, its schema or our rights, never by a job's values. Two characters are a
#: whole class: 0A not supported, 28 authorization, 3D database name, 3F schema name, 42 names and rights.
_REFUSES_ALL = ("0A", "0P", "28", "3D", "3F", "42")
#: A value that doesn't fit its column: too long, out of its range, refused by a check. Only results are
#: written, so it is the job's, or every job's after a migration: the number of jobs that meet it decides. A
#: statement that only reads meets it with the job's own values, such as an id that no row can have.
_UNFIT = ("22001", "22003", "23514")
#: Caused by the job's values: 22 data exceptions, 23 constraints, 54 too large or nested too deeply.
_PERMANENT = ("22", "23", "54")
#: Caused by the server or the network: 08 connection, 25006 read-only, 25P03 and 25P04 a transaction that was
#: idle or open too long, 53 resources, 55 state and locks, 57 shutdown or cancellation (57014: the statement
#: timeout), 58, F0 and XX internal errors.
#: 23502 is a NULL, which a new NOT NULL column also causes for every job: the failure streak decides.
_SERVICE = ("08", "23502", "25006", "25P03", "25P04", "53", "55", "57", "58", "F0", "HV", "XX")

#: An SQLSTATE in a verbose message of libpq: `FATAL:  28P01: password …`, in any language.
_CODE = re.compile(r":\s+((?=[A-Z]*[0-9])[0-9A-Z]{5}): ")
#: Errors that psycopg2 raises before it sends anything, such as for a value that it cannot adapt.
_CLIENTS_OWN = (
    psycopg2.IntegrityError,
    psycopg2.DataError,
    psycopg2.ProgrammingError,
    psycopg2.NotSupportedError,
)


def failure(error: psycopg2.Error) -> JobError:
    """Return the error to raise in place of psycopg2's.

    The message is the server's first line, or libpq's if the server sent none. Detail lines quote the row,
    with what users said, so they must not reach logs or the dead-letter list.
    """
    code, text = _code_and_text(error)
    if code:
        return _of_code(code, f"PostgreSQL {code}: {text}", _was_reading(error))
    if isinstance(error, _CLIENTS_OWN):
        return PermanentError(f"PostgreSQL {type(error).__name__}: {text}")
    return machine_error_of_text(text) or ServiceError("postgresql", f"PostgreSQL: {text}")


def _of_code(code: str, message: str, was_reading: bool) -> JobError:
    if code.startswith(_SERVICE):
        return ServiceError("postgresql", message)
    if code.startswith(_REFUSES_ALL):
        return ServiceError("postgresql", message, refuses_all=True)
    if code.startswith(_PERMANENT) and (code not in _UNFIT or was_reading):
        return PermanentError(message)
    # A conflict of two transactions (class 40) proves that the service works, and the next attempt succeeds.
    # Other errors, such as a trigger's exception, may have any cause.
    return TransientError(message)


def _was_reading(error: psycopg2.Error) -> bool:
    """Return whether the statement that failed only reads."""
    query = (error.cursor.query if error.cursor else None) or b""
    return query.lstrip()[:6].upper() == b"SELECT"


def _code_and_text(error: psycopg2.Error) -> tuple[str | None, str]:
    """Return the SQLSTATE, if there is one, and the line to show."""
    if error.pgcode:
        return error.pgcode, error.diag.message_primary or type(error).__name__
    first = " ".join(next(iter(str(error).strip().splitlines()), type(error).__name__).split())
    found = _CODE.search(first)
    if found:
        return found[1], first.replace(f"{found[1]}: ", "", 1)
    return None, first
