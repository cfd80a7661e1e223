"""Untrusted text made visible: it must control neither a terminal nor the direction of a page's text."""

from __future__ import annotations

import json
import re
import unicodedata

#: Candidates for escaping: everything beyond printable ASCII.
_SUSPECT = re.compile(r"[^ -~]")


def escaped(text: str, keep: str = "") -> str:
    """Return the text with unprintable characters escaped, such as `\\x1b`, `\\u202e` or `\\ud83d`: control
    characters including line breaks, bidirectional controls, lone surrogates, unassigned characters.

    The characters of `keep` stay.
    """
    return _SUSPECT.sub(lambda match: match[0] if match[0] in keep else _escape(match), text)


def escaped_in_json(written: str) -> str:
    """Return JSON with the same characters escaped in JSON's syntax."""
    return _SUSPECT.sub(_escape_in_json, written)


def _is_shown(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"


def _escape(match: re.Match[str]) -> str:
    letter = match[0]
    return letter if _is_shown(letter) else letter.encode("unicode_escape").decode("ascii")


def _escape_in_json(match: re.Match[str]) -> str:
    letter = match[0]
    return letter if _is_shown(letter) or letter == "\n" else json.dumps(letter)[1:-1]
