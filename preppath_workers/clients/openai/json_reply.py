"""Finds the JSON object in a model's reply.

Servers that do not enforce `response_format` let a model wrap its JSON in a code fence or in prose. The reply
is paid for, so the wrapping must not cost the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

#: A fenced code block of Markdown, with or without a language.
_CODE_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
#: What ends a model's thoughts, which may hold drafts, in servers that don't separate them.
_END_OF_THOUGHT = "</think>"
#: Openings tried in prose, because each failed one costs a scan of the rest.
_MAX_OPENINGS = 100

#: What precedes an object inside an array or another object.
_NESTED = re.compile(r'(?:"\s*:|\[)\s*\Z')

_decoder = json.JSONDecoder()


def find_object(reply: str) -> dict[str, Any] | None:
    """Return the JSON object that the reply is or contains.

    Tries the whole reply, then, without the model's thoughts, fenced code blocks, then an object with prose
    around it. Returns None if there is no object, or if there are several and the intended one is unknown.
    """
    try:
        value = json.loads(reply)
    except (ValueError, RecursionError):  # the latter for brackets nested without end
        said = reply.rpartition(_END_OF_THOUGHT)[2]
        return _only(map(_parse, _CODE_FENCE.findall(said))) or _only(_embedded(said))
    return value if isinstance(value, dict) else None


def _only(found: Iterable[dict[str, Any] | None]) -> dict[str, Any] | None:
    objects = [each for each in found if each]
    return objects[0] if objects and all(each == objects[0] for each in objects) else None


def _parse(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _embedded(text: str) -> Iterator[dict[str, Any]]:
    """Yield the objects in the text that are not values inside a broken one."""
    position = text.find("{")
    for _ in range(_MAX_OPENINGS):
        if position < 0:
            return
        is_nested = _NESTED.search(text[max(0, position - 50) : position])
        try:
            value, position = _decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            position += 1
        else:
            if not is_nested:
                yield value
        position = text.find("{", position)
