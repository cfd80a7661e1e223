"""Validate a job's data before any paid request."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from ..clients.postgres.text import storable
from ..errors import InvalidJob
from ..log import fields

logger = logging.getLogger(__name__)

#: Longest id, characters. Ids are opaque; cuids have 25 characters, UUIDs 36.
MAX_ID = 200

#: Unknown fields that are logged, and characters of each name.
_SHOWN_NAMES, _SHOWN_OF_NAME = 20, 100


def log_unknown_fields(data: Mapping[str, Any], *known: str) -> None:
    """Log the names of ignored fields, to reveal misspellings; never their values."""
    if unknown := sorted(name[:_SHOWN_OF_NAME] for name in data.keys() - {*known}):
        logger.debug("Ignoring unknown fields of the job's data", extra=fields(fields=unknown[:_SHOWN_NAMES]))


def identifier(data: Mapping[str, Any], name: str) -> str:
    """Return the id in this field. Raises InvalidJob, which names the field."""
    return text(data, name, MAX_ID)


def text(data: Mapping[str, Any], name: str, limit: int) -> str:
    """Return the text in this field: not blank, at most `limit` characters, and storable in PostgreSQL.
    Raises InvalidJob, which names the field and never quotes the text."""
    if name not in data:
        raise InvalidJob(f"{name} is missing")
    value = data[name]
    if not isinstance(value, str):
        raise InvalidJob(f"{name} must be text, not {type(value).__name__}")
    # A byte order mark and other characters without a width aren't printable.
    if not any(letter.isprintable() and not letter.isspace() for letter in value):
        raise InvalidJob(f"{name} must not be empty")
    if len(value) > limit:
        raise InvalidJob(f"{name} must have at most {limit} characters, not {len(value)}")
    if value != storable(value):
        raise InvalidJob(f"{name} must not contain NUL characters or lone surrogates")
    return value


def optional_text(data: Mapping[str, Any], name: str, limit: int) -> str | None:
    """Return what `text` returns, or None if the field is missing or null. Raises the same error."""
    return None if data.get(name) is None else text(data, name, limit)


def optional_number(data: Mapping[str, Any], name: str, low: float, high: float) -> float | None:
    """Return the number in this field, from `low` to `high`, or None if it is missing or null. Raises
    InvalidJob, which names the field."""
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidJob(f"{name} must be a number, not {type(value).__name__}")
    # Compared before conversion: a JSON integer may be too large for a float. NaN compares as False.
    if not low <= value <= high:
        raise InvalidJob(f"{name} must be from {low:g} to {high:g}")
    return float(value)


def optional_language(data: Mapping[str, Any], name: str) -> str | None:
    """Return the ISO 639-1 code in this field, or None if it is missing or null. Raises InvalidJob, which
    names the field."""
    value = optional_text(data, name, MAX_ID)
    if value is not None and not re.fullmatch("[a-z]{2}", value):
        raise InvalidJob(f"{name} must be an ISO 639-1 code: two lower-case letters, such as en")
    return value
