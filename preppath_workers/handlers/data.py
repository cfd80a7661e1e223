"""Checks a job's data before anything is fetched or paid for, and a vendor's text before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InvalidJob

#: Longest id, characters. Ids are opaque; cuids and UUIDs have 25 and 36.
MAX_ID = 200


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


def storable(value: str) -> str:
    """The text without NUL characters, and with `?` for each half of a surrogate pair that stands alone.
    JSON can spell both; PostgreSQL's text and UTF-8 have no place for them."""
    return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
