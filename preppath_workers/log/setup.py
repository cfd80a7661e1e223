"""Configures the logging of a process."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TextIO

from ..config.model import LogConfig
from . import journal
from .context import fields
from .lines import JsonFormatter, TextFormatter
from .output import FileOutput, NullOutput, Output, StreamOutput
from .redaction import Redactor
from .shortening import encoded

logger = logging.getLogger(__name__)

#: Seconds that a line waits for a slow reader. After that, lines are dropped and counted until one can be
#: written at once.
_PATIENCE = 0.5


class LineHandler(logging.Handler):
    """Writes each record in one piece, and drops records if the reader is too slow."""

    def __init__(self, output: Output, with_priority: bool = False) -> None:
        """`with_priority`: begin each line with its priority for the journal."""
        super().__init__()
        self._with_priority = with_priority
        self._output = output
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            was_written = self._catch_up() and self._write(record, _PATIENCE)
        except Exception:  # noqa: BLE001 — a failing log must not fail its caller
            was_written = False
        if not was_written:
            self._dropped += 1

    def close(self) -> None:
        self._output.close()
        super().close()

    def _catch_up(self) -> bool:
        """Report dropped lines first. Returns whether lines can be written again."""
        if self._dropped:
            report = _record("Log lines dropped: they could not be written", {"dropped": self._dropped})
            if not self._write(report, patience=0.0):
                return False
            self._dropped = 0
        return True

    def _write(self, record: logging.LogRecord, patience: float) -> bool:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 — logging would print the arguments unredacted
            details = {"error": type(error).__name__, "logger": record.name, "line": record.lineno}
            line = self.format(_record("Cannot format log line", details))
        if self._with_priority:
            line = journal.with_priority(line, record.levelno)
        return self._output.write(encoded(line) + b"\n", patience)


def configure(config: LogConfig, secrets: Sequence[str] = (), stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (default: standard error) in the configured format, without the secrets."""
    # Not sys.stderr, which capture_output replaces by the log itself.
    stream = stream or sys.__stderr__
    is_terminal = stream is not None and stream.isatty()
    plain = config.format == "json" or (config.format == "auto" and not is_terminal)
    output = _output(stream)
    reader_is_journal = stream is not None and _is_journal(stream)
    redactor, limit = Redactor(secrets), output.limit - 1 - journal.PREFIX_BYTES * reader_is_journal
    handler = LineHandler(output, reader_is_journal)
    # https://no-color.org: set, and not empty.
    colour = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    handler.setFormatter(JsonFormatter(redactor, limit) if plain else TextFormatter(redactor, limit, colour))
    logging.basicConfig(handlers=[handler], level=config.level.upper(), force=True)
    # These libraries log every request at INFO.
    for name in ("httpx", "httpx2", "openai", "botocore", "boto3", "urllib3", "s3transfer", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It also logs, with a traceback, the lost connections that it raises.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)


def _output(stream: TextIO | None) -> Output:
    if stream is None:
        return NullOutput()
    with suppress(io.UnsupportedOperation):
        return FileOutput(stream.fileno())
    return StreamOutput(stream)


def _is_journal(stream: TextIO) -> bool:
    with suppress(io.UnsupportedOperation):
        return journal.is_journal(stream.fileno())
    return False


def _record(message: str, values: Mapping[str, object]) -> logging.LogRecord:
    return logger.makeRecord(
        logger.name, logging.WARNING, __file__, 0, message, (), None, extra=fields(**values)
    )
