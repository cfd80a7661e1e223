"""Structured logs: one JSON object a line, or coloured text on a terminal, never a secret.

Facts travel as `extra={"facts": {…}}` with names in camelCase, as they stand in Redis. Inside a job,
`JobContext` adds the queue, job id and attempt to every line, whoever writes it.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from .settings import LogConfig

#: What the line about a job tells of it; asked for each line.
Facts = Callable[[], Mapping[str, Any]]

_context: ContextVar[Facts] = ContextVar("job_context", default=dict)

_COLOURS = {
    "DEBUG": "\x1b[2m",
    "INFO": "\x1b[32m",
    "WARNING": "\x1b[33m",
    "ERROR": "\x1b[31m",
    "CRITICAL": "\x1b[31m",
}
_DIM, _RESET = "\x1b[2m", "\x1b[0m"

_TOO_DEEP = "nested too deeply to be shown"


class JobContext:
    """Adds facts to every line logged inside the block. They are asked for when there is a line."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def __enter__(self) -> None:
        self._token = _context.set(self._facts)

    def __exit__(self, *_: object) -> None:
        _context.reset(self._token)


def facts(**values: Any) -> dict[str, dict[str, Any]]:
    """The `extra` argument of a log call: `logger.info("Job started", extra=facts(jobId=job.id))`."""
    return {"facts": values}


def redact(text: str, secrets: Sequence[str]) -> str:
    """The text with every secret in it replaced by `***`."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def configure(config: LogConfig, secrets: Sequence[str] = (), stream: TextIO | None = None) -> None:
    """Sends all logs to `stream` (standard error), in the configured format, without the secrets."""
    stream = stream or sys.stderr
    plain = config.format == "json" or (config.format == "auto" and not stream.isatty())
    # As JSON spells them too, in ASCII and not; longest first, for one secret may be a part of another.
    spelled = {
        spelling
        for secret in secrets
        for spelling in (
            secret,
            *(json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)),
        )
    }
    ordered = sorted(spelled, key=len, reverse=True)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(ordered) if plain else TextFormatter(ordered, colour=stream.isatty()))
    logging.basicConfig(handlers=[handler], level=config.level.upper(), force=True)
    # Vendors' libraries tell every request at INFO; ours tell every job.
    for name in ("httpx", "httpx2", "openai", "botocore", "boto3", "urllib3", "s3transfer"):
        logging.getLogger(name).setLevel(logging.WARNING)


class _Formatter(logging.Formatter):
    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__()
        self._secrets = secrets

    def facts(self, record: logging.LogRecord) -> dict[str, Any]:
        """What the line knows beside its message: the job's context, its own facts, the traceback."""
        known = {**_context.get()(), **getattr(record, "facts", {})}
        if record.exc_info:
            known["traceback"] = self.formatException(record.exc_info)
        return known


class JsonFormatter(_Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, message, logger, pid, then the facts."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
            "pid": record.process,
            **self.facts(record),
        }
        return redact(_json(line), self._secrets)


class TextFormatter(_Formatter):
    """A line for people: the time, the level, the message, then the facts as name=value."""

    def __init__(self, secrets: Sequence[str], colour: bool) -> None:
        super().__init__(secrets)
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        known = self.facts(record)
        traceback = known.pop("traceback", "")
        time = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
        details = " ".join(f"{name}={_shown(value)}" for name, value in known.items())
        if self._colour:
            level = f"{_COLOURS[record.levelname]}{record.levelname:<7}{_RESET}"
            line = f"{_DIM}{time}{_RESET} {level} {record.getMessage()}  {_DIM}{details}{_RESET}"
        else:
            line = f"{time} {record.levelname:<7} {record.getMessage()}  {details}"
        return redact(line.rstrip() + (f"\n{traceback}" if traceback else ""), self._secrets)


def _shown(value: Any) -> str:
    return (
        value
        if isinstance(value, str) and value.isprintable() and " " not in value
        else _json(value, ensure_ascii=True)
    )


def _json(value: Any, ensure_ascii: bool = False) -> str:
    try:
        return json.dumps(value, ensure_ascii=ensure_ascii, default=str)
    except RecursionError:  # a job's data may be nested as deeply as can just be read
        shown = {name: _flat(each) for name, each in value.items()} if isinstance(value, dict) else _TOO_DEEP
        return json.dumps(shown, ensure_ascii=ensure_ascii, default=str)


def _flat(value: Any) -> Any:
    return _TOO_DEEP if isinstance(value, list | dict) else value
