"""Split expected answers into points, and answers into statements."""

from __future__ import annotations

import json
import re
from typing import Any

#: The end of a sentence or of a line.
_SENTENCES = re.compile(r"(?<=[.!?;。！？])\s+|\n+")
#: A comma between two statements of four words or more: "…, and check with the plan that it is used".
_CLAUSES = re.compile(r",? and (?=(?:\S+ ){3}\S)|(?<=\w), (?:but|so|because) (?=(?:\S+ ){3}\S)")
#: Words of a window, and its step.
_WINDOW, _STEP = 14, 7
#: The most points and statements that are compared; an answer has up to 50,000 characters.
_MOST_POINTS, _MOST_STATEMENTS = 30, 400


def sentences(text: str) -> list[str]:
    """Return the sentences, without blank ones."""
    return [part.strip() for part in _SENTENCES.split(text) if re.search(r"\w", part)]


def points(text: str) -> list[str]:
    """Return the statements of an expected answer: its sentences, split at "and" between clauses."""
    found: list[str] = []
    for sentence in sentences(text):
        clauses = _CLAUSES.split(sentence)
        # A clause of two words says nothing by itself.
        found += clauses if all(len(clause.split()) > 3 for clause in clauses) else [sentence]
    return found[:_MOST_POINTS]


def points_of_criteria(text: str) -> list[str]:
    """Return the texts in criteria, which may be JSON of any shape or plain text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return points(text)
    return [point for each in _strings(value) for point in points(each)][:_MOST_POINTS]


def statements(text: str) -> list[str]:
    """Return the parts of an answer to compare: its sentences, and overlapping windows of long ones, because
    a transcript may have no sentences."""
    found: dict[str, None] = {}
    for sentence in sentences(text):
        words = sentence.split()
        found[sentence] = None
        if len(words) > _WINDOW:
            starts = range(0, len(words) - _WINDOW + _STEP, _STEP)
            found |= dict.fromkeys(" ".join(words[at : at + _WINDOW]) for at in starts)
        if len(found) >= _MOST_STATEMENTS:
            break
    return list(found)[:_MOST_STATEMENTS]


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return []
