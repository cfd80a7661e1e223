"""Split a long text into passages for separate requests."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Places to split, in order of preference: the end of a sentence, then the space between words.
_BREAKS = (re.compile(r"[.!?…。！？][\"'”’)]*\s+|\n+|[。！？]"), re.compile(r"\s+"))


def passages(text: str, limit: int) -> list[str]:
    """Return the text as non-blank passages of at most `limit` characters.

    Each ends with the last sentence that fits, or else the last word; a longer word is split.
    """
    found = []
    rest = text.strip()
    while len(rest) > limit:
        end = _last_break(rest, limit)
        found.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*found, rest] if rest else found


def is_spoken(passages: Sequence[str], number: int) -> bool:
    """Return whether the passage with this index has words, or none of them has: of an emoji after the last
    sentence, a model would say anything."""
    return _has_words(passages[number]) or not any(map(_has_words, passages))


def _has_words(passage: str) -> bool:
    return any(map(str.isalnum, passage))


def _last_break(text: str, limit: int) -> int:
    """Return where to split the text: after the last break within the limit, or at the limit."""
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(text, 0, limit)]
        if ends:
            return ends[-1]
    return limit
