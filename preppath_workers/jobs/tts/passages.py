"""Cuts a long text into passages that can be spoken one after the other."""

from __future__ import annotations

import re

#: Where a listener expects a pause, best first: the end of a sentence, then the space between words.
_BREAKS = (re.compile(r"[.!?…。！？][\"'”’)]*\s+|\n+|[。！？]"), re.compile(r"\s+"))


def passages(text: str, limit: int) -> list[str]:
    """The text in passages of at most `limit` characters, none of them blank.

    Each ends with the last sentence that fits, or else the last word; a word longer than that is cut.
    """
    found = []
    rest = text.strip()
    while len(rest) > limit:
        end = _last_break(rest, limit)
        found.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*found, rest] if rest else found


def _last_break(text: str, limit: int) -> int:
    """Where to cut the text: after the last break that ends within the limit, or at the limit."""
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(text, 0, limit)]
        if ends:
            return ends[-1]
    return limit
