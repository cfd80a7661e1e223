"""Text that PostgreSQL can store."""

from __future__ import annotations


def storable(value: str) -> str:
    """Return the text without NUL characters and with `?` in place of lone surrogates: JSON can contain both,
    PostgreSQL's text cannot."""
    return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
