"""Checks a job's data before anything is fetched or paid for, and a vendor's text before it is stored."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidJob
from ..log import fields

logger = logging.getLogger(__name__)

#: Longest id, characters. Ids are opaque; cuids and UUIDs have 25 and 36.
MAX_ID = 200

#: Unknown fields that are told, and characters of each name.
_SHOWN_NAMES, _SHOWN_OF_NAME = 20, 100


def note_unknown(data: Mapping[str, Any], *known: str) -> None:
    """Tells the log, for whoever misspelled a field, which ones are ignored; never what they hold."""
    if unknown := sorted(name[:_SHOWN_OF_NAME] for name in data.keys() - {*known}):
        logger.debug(
            "Unknown fields of the job's data are ignored", extra=fields(fields=unknown[:_SHOWN_NAMES])
        )


def identifier(data: Mapping[str, Any], name: str) -> str:
    """The id in this field. Raises InvalidJob, which names the field."""
    return text(data, name, MAX_ID)


def text(data: Mapping[str, Any], name: str, limit: int) -> str:
    """The text in this field: not blank, at most `limit` characters, and nothing that PostgreSQL can not
    hold. Raises InvalidJob, which names the field and never repeats the text."""
    if name not in data:
        raise InvalidJob(f"{name} is missing")
    value = data[name]
    if not isinstance(value, str):
        raise InvalidJob(f"{name} must be text, not {type(value).__name__}")
    if not value.strip():
        raise InvalidJob(f"{name} must not be empty")
    if len(value) > limit:
        raise InvalidJob(f"{name} must have {limit} characters at most, not {len(value)}")
    if value != storable(value):
        raise InvalidJob(f"{name} must not hold NUL characters or lone surrogates")
    return value


def optional_text(data: Mapping[str, Any], name: str, limit: int) -> str | None:
    """The same for a field that may be missing or null: then None."""
    return None if data.get(name) is None else text(data, name, limit)


def optional_number(data: Mapping[str, Any], name: str, low: float, high: float) -> float | None:
    """The number in this field, from `low` to `high`, both finite; None when it is missing or null. Raises
    InvalidJob, which names the field."""
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidJob(f"{name} must be a number, not {type(value).__name__}")
    # Compared as it came: no float can hold every integer that JSON can spell. NaN is within no bounds.
    if not low <= value <= high:
        raise InvalidJob(f"{name} must be from {low:g} to {high:g}")
    return float(value)


def optional_language(data: Mapping[str, Any], name: str) -> str | None:
    """The language in this field, as ISO 639-1 spells it; None when it is missing or null. Raises InvalidJob,
    which names the field."""
    value = optional_text(data, name, MAX_ID)
    if value is not None and not re.fullmatch("[a-z]{2}", value):
        raise InvalidJob(f"{name} must be a code of ISO 639-1: two small letters, such as en")
    return value


def storable(value: str) -> str:
    """The text without NUL characters, and with `?` for each half of a surrogate pair that stands alone.
    JSON can spell both; PostgreSQL's text and UTF-8 have no place for them."""
    return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
