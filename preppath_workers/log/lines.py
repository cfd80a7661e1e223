"""Formats log lines, as JSON or as text."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from .redaction import Redactor
from .shortening import flattened, json_within, text_within, to_json

_COLOURS = {
    "DEBUG": "\x1b[2m",
    "INFO": "\x1b[32m",
    "WARNING": "\x1b[33m",
    "ERROR": "\x1b[31m",
    "CRITICAL": "\x1b[31m",
}
_DIM, _RESET = "\x1b[2m", "\x1b[0m"

#: Fields that are never redacted or cut, even if a password has the same text.
_FIXED = ("time", "level", "logger", "pid")

#: Attributes of a record that are no fields of its call: logging's own, and names that a line has anyway.
_NO_FIELDS = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "traceback", *_FIXED}


class _Formatter(logging.Formatter):
    def __init__(self, redactor: Redactor, limit: int) -> None:
        """`limit` is the most bytes of a line."""
        super().__init__()
        self._redactor = redactor
        self._limit = limit

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the fields of the context, those of the call, and the traceback.

        A call of this package passes its fields with `fields`, handlers and libraries pass `extra` as it is.
        """
        extra = {name: value for name, value in record.__dict__.items() if name not in _NO_FIELDS}
        of_context = extra.pop("log_context", {})
        own = extra.pop("fields") if isinstance(extra.get("fields"), dict) else {}
        values = {**extra, **of_context, **own}
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        return values


class JsonFormatter(_Formatter):
    """One JSON object per line: time (ISO 8601, UTC), level, message, logger, pid, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
            "pid": record.process,
            **self.fields(record),
        }
        text = to_json(line)
        # Few lines contain a secret: only those are redacted value by value.
        if self._redactor.finds_in(text):
            line = self._redacted(line)
            text = to_json(line)
        # Three bytes per character at most, so a short text needs no counting.
        return text if len(text) * 3 <= self._limit else json_within(line, self._limit, _FIXED)

    def _redacted(self, line: dict[str, Any]) -> dict[str, Any]:
        try:
            return {
                name: value if name in _FIXED else self._redactor.value(value) for name, value in line.items()
            }
        except RecursionError:
            return self._redacted(flattened(line))


class TextFormatter(_Formatter):
    """Text for terminals: time, level, message, then the fields as name=value."""

    def __init__(self, redactor: Redactor, limit: int, colour: bool) -> None:
        super().__init__(redactor, limit)
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        values = self.fields(record)
        traceback = values.pop("traceback", "")
        time = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
        message = self._redactor.text(record.getMessage())
        details = " ".join(f"{name}={self._shown(value)}" for name, value in values.items())
        if self._colour:
            level = f"{_COLOURS.get(record.levelname, '')}{record.levelname:<7}{_RESET}"
            line = f"{_DIM}{time}{_RESET} {level} {message}  {_DIM}{details}{_RESET}"
        else:
            line = f"{time} {record.levelname:<7} {message}  {details}"
        line = line.rstrip() + (f"\n{self._redactor.text(traceback)}" if traceback else "")
        return text_within(line, self._limit)

    def _shown(self, value: Any) -> str:
        try:
            value = self._redactor.value(value)
        except RecursionError:
            return self._redactor.text(to_json(value, ensure_ascii=True))
        if isinstance(value, str) and value.isprintable() and " " not in value:
            return value
        return to_json(value, ensure_ascii=True)
