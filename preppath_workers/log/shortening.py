"""Makes log lines fit: a pipe takes PIPE_BUF bytes in one piece, and readers of logs have limits too."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

_TOO_DEEP = "nested too deeply to be shown"

#: Bytes of a value that are kept in any case.
_LEAST = 100

_GAP = " … "


def to_json(value: Any, ensure_ascii: bool = False) -> str:
    """The value as JSON. What JSON does not know is shown as text."""
    try:
        return json.dumps(value, ensure_ascii=ensure_ascii, default=str)
    except RecursionError:  # a job's data may be nested as deeply as can just be read
        shown = flattened(value) if isinstance(value, dict) else _TOO_DEEP
        return json.dumps(shown, ensure_ascii=ensure_ascii, default=str)


def flattened(line: dict[str, Any]) -> dict[str, Any]:
    """The line without what is nested in its values."""
    return {name: _TOO_DEEP if isinstance(value, list | dict) else value for name, value in line.items()}


def size(text: str) -> int:
    """Bytes of the text in a log."""
    return len(encoded(text))


def encoded(text: str) -> bytes:
    """The text in UTF-8. Half of a surrogate pair, which JSON may hold, is escaped as JSON escapes it."""
    return text.encode("utf-8", "backslashreplace")


def json_within(line: dict[str, Any], limit: int, kept: Collection[str]) -> str:
    """The line as JSON of at most `limit` bytes. The longest values are cut first, `kept` ones never, and
    `truncated` tells that something is missing."""
    text = to_json(line)
    if size(text) <= limit:
        return text
    cut = {**line, "truncated": True}
    names = [name for name in line if name not in kept]
    for _ in names:
        if (excess := size(to_json(cut)) - limit) <= 0:
            break
        longest = max(names, key=lambda name: size(to_json(cut[name])))
        value = cut[longest]
        room = max(_LEAST, size(to_json(value)) - excess)
        cut[longest] = _value_within(value if isinstance(value, str) else to_json(value), room)
    text = to_json(cut)
    if size(text) <= limit:
        return text
    # Hundreds of values, each of them short.
    message = _value_within(str(line.get("message", "")), _LEAST)
    return to_json({**{name: line[name] for name in kept}, "message": message, "truncated": True})


def text_within(text: str, limit: int) -> str:
    """The text, without its middle when it is longer than `limit` bytes."""
    raw = encoded(text)
    if len(raw) <= limit:
        return text
    room = limit - size(_GAP)
    beginning, end = raw[: room - room // 2], raw[len(raw) - room // 2 :]
    return beginning.decode("utf-8", "ignore") + _GAP + end.decode("utf-8", "ignore")


def _value_within(text: str, room: int) -> str:
    """The beginning and the end of the text, whose JSON has at most `room` bytes."""
    kept, shown = len(text), text
    while kept and (taken := size(to_json(shown))) > room:
        kept = int(kept * min(0.95, room / taken))
        shown = text[: kept - kept // 2] + _GAP + text[len(text) - kept // 2 :]
    return shown
