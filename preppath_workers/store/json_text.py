"""Reads and writes JSON as RFC 8259 has it, with one leniency: half of a surrogate pair becomes U+FFFD.

JavaScript's `slice` cuts emoji in two, and `JSON.stringify` spells the half that is left `"\\ud83d"`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json import encoder as standard
from typing import Any, cast

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


def encode_with(encoder: json.JSONEncoder) -> Callable[[object], str]:
    """Return `encoder.encode` without what it makes for each value, which takes longer than to encode a small
    one. Only for an encoder without `indent` and `sort_keys`."""
    make = cast("Any", standard).c_make_encoder  # not in the types of the standard library
    if make is None:  # an interpreter other than CPython
        return encoder.encode
    text = standard.encode_basestring_ascii if encoder.ensure_ascii else standard.encode_basestring
    separators = (encoder.key_separator, encoder.item_separator)
    # Without a record of the objects that contain the value: threads would share it.
    chunks = make(None, encoder.default, text, None, *separators, False, encoder.skipkeys, encoder.allow_nan)

    def encode(value: object) -> str:
        try:
            return "".join(chunks(value, 0))
        except RecursionError:
            return encoder.encode(value)  # its error says whether the value contains itself

    return encode


def whole_characters(text: str) -> str:
    """Return the text with U+FFFD for each surrogate that stands alone, two halves in a row made whole."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse)
