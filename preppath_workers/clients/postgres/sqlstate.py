"""Whose failure a PostgreSQL error is, by its SQLSTATE (PostgreSQL's manual, appendix A)."""

from __future__ import annotations

import re

import psycopg2

from ...errors import JobError, PermanentError, ServiceError, TransientError
from ..machine import machine_error_of_text

#: Depends on the server's settings, its schema or our rights, never on a job's values. Two characters are a
#: whole class: 0A not supported, 28 authorization, 3D database name, 3F schema name, 42 names and rights.
_REFUSES_ALL = ("0A", "0P", "28", "3D", "3F", "42")
#: Lies in the job's values: 22 data exceptions, 23 constraints, 54 too large or nested too deeply.
_PERMANENT = ("22", "23", "54")
#: The server, or the way to it: 08 connection, 25006 read-only, 25P03 idle too long, 53 resources, 55 state
#: and locks, 57 shut down or cancelled (57014: the statement timeout), 58 and XX errors of its own. 23502 is
#: a NULL, which a new NOT NULL column also causes for every job: the streak of failures tells which it is.
_SERVICE = ("08", "23502", "25006", "25P03", "53", "55", "57", "58", "HV", "XX")

#: An SQLSTATE as libpq spells it in a verbose message: `FATAL:  28P01: password …`, in any language.
_CODE = re.compile(r":\s+((?=[A-Z]*[0-9])[0-9A-Z]{5}): ")
#: Errors that psycopg2 raises itself, before anything is sent: a value that it cannot adapt.
_CLIENTS_OWN = (
    psycopg2.IntegrityError,
    psycopg2.DataError,
    psycopg2.ProgrammingError,
    psycopg2.NotSupportedError,
)


def failure(error: psycopg2.Error) -> JobError:
    """Return the error to raise in place of psycopg2's.

    The message is the server's first line, or libpq's where the server gave none. Detail lines quote the row,
    and with it what people said; they have no place in logs or the dead-letter list.
    """
    code, said = _told(error)
    if code:
        return _of_code(code, f"PostgreSQL {code}: {said}")
    if isinstance(error, _CLIENTS_OWN):
        return PermanentError(f"PostgreSQL {type(error).__name__}: {said}")
    return machine_error_of_text(said) or ServiceError("postgresql", f"PostgreSQL: {said}")


def _of_code(code: str, message: str) -> JobError:
    if code.startswith(_SERVICE):
        return ServiceError("postgresql", message)
    if code.startswith(_REFUSES_ALL):
        return ServiceError("postgresql", message, refuses_all=True)
    if code.startswith(_PERMANENT):
        return PermanentError(message)
    # Two transactions in each other's way (class 40) prove that the service works, and the next attempt
    # succeeds. The rest, such as an exception of a trigger, may be anyone's.
    return TransientError(message)


def _told(error: psycopg2.Error) -> tuple[str | None, str]:
    """The SQLSTATE, if there is one, and the line to tell."""
    if error.pgcode:
        return error.pgcode, error.diag.message_primary or type(error).__name__
    first = " ".join(next(iter(str(error).strip().splitlines()), type(error).__name__).split())
    found = _CODE.search(first)
    if found:
        return found[1], first.replace(f"{found[1]}: ", "", 1)
    return None, first
