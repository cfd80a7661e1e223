"""Shortens log lines: a pipe takes PIPE_BUF bytes in one piece, and log readers have limits too."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

_TOO_DEEP = "nested too deeply to be shown"

#: Bytes of a value that are always kept.
_MIN_VALUE = 100

_GAP = " … "


def to_json(value: Any, ensure_ascii: bool = False) -> str:
    """Return the value as JSON; values that JSON does not support become text."""
    try:
        return json.dumps(value, ensure_ascii=ensure_ascii, default=str)
    except RecursionError:  # json.loads accepts deeper nesting than json.dumps
        shown = flattened(value) if isinstance(value, dict) else _TOO_DEEP
        return json.dumps(shown, ensure_ascii=ensure_ascii, default=str)


def flattened(line: dict[str, Any]) -> dict[str, Any]:
    """Return the line with nested values replaced by a note."""
    return {name: _TOO_DEEP if isinstance(value, list | dict) else value for name, value in line.items()}


def size(text: str) -> int:
    """Return the bytes of the text in a log."""
    return len(encoded(text))


def encoded(text: str) -> bytes:
    """Return the text in UTF-8. Lone surrogates, which JSON may contain, are escaped."""
    return text.encode("utf-8", "backslashreplace")


def json_within(line: dict[str, Any], limit: int, kept: Collection[str]) -> str:
    """Return the line as JSON of at most `limit` bytes.

    The longest values are cut first and the fields in `kept` never. A shortened line has `truncated`.
    """
    text = to_json(line)
    if size(text) <= limit:
        return text
    cut = {**line, "truncated": True}
    excess = size(to_json(cut)) - limit
    sizes = {name: size(to_json(value)) for name, value in line.items() if name not in kept}
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if excess <= 0:
            break
        value = line[name]
        room = max(_MIN_VALUE, sizes[name] - excess)
        cut[name] = _value_within(value if isinstance(value, str) else to_json(value), room)
        excess -= sizes[name] - size(to_json(cut[name]))
    text = to_json(cut)
    if size(text) <= limit:
        return text
    # Too many short values: keep the message only.
    message = _value_within(str(line.get("message", "")), _MIN_VALUE)
    return to_json({**{name: line[name] for name in kept}, "message": message, "truncated": True})


def text_within(text: str, limit: int) -> str:
    """Return the text, without its middle if it is longer than `limit` bytes."""
    raw = encoded(text)
    if len(raw) <= limit:
        return text
    room = limit - size(_GAP)
    beginning, end = raw[: room - room // 2], raw[len(raw) - room // 2 :]
    return beginning.decode("utf-8", "ignore") + _GAP + end.decode("utf-8", "ignore")


def _value_within(text: str, room: int) -> str:
    """Return the beginning and the end of the text, so that its JSON has at most `room` bytes."""
    kept, shown = len(text), text
    while kept and (taken := size(to_json(shown))) > room:
        kept = int(kept * min(0.95, room / taken))
        shown = text[: kept - kept // 2] + _GAP + text[len(text) - kept // 2 :]
    return shown
