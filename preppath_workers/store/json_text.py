"""Reads JSON as RFC 8259 has it, with one leniency: half of a surrogate pair becomes U+FFFD.

JavaScript's `slice` cuts emoji in two, and `JSON.stringify` spells the half that is left `"\\ud83d"`.
"""

from __future__ import annotations

import json
import re
from typing import Any

_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def loads(text: str) -> Any:
    """Return the value. Raises ValueError, also for NaN and Infinity, and RecursionError."""
    try:
        value, end = _decoder.raw_decode(text)  # faster than decode, but takes no space around the value
    except ValueError:
        end = -1
    if end != len(text):
        value = _decoder.decode(text)
    # The first condition is the faster one, and false for nearly all texts.
    if "\\" not in text or not _HALF.search(text):
        return value
    return json.loads(whole_characters(json.dumps(value, ensure_ascii=False)))


def whole_characters(text: str) -> str:
    """Return the text with U+FFFD for each surrogate that stands alone, two halves in a row made whole."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse)
