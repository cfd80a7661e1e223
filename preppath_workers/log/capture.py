"""What would reach standard output and standard error past the log, and so past the removal of secrets: what
handlers and libraries print, and the tracebacks that Python itself writes."""

from __future__ import annotations

import io
import logging
import sys
import threading
from types import TracebackType
from typing import Any

#: Bytes of a line that nobody ends.
_LONGEST = 16 * 1024


def take_over() -> None:
    """From here on it all becomes lines of the log. For a process whose only output is its log."""
    sys.excepthook = _unhandled
    threading.excepthook = _unhandled_in_thread
    sys.unraisablehook = _unraisable
    sys.stdout = _stream("stdout", 1, logging.INFO)
    sys.stderr = _stream("stderr", 2, logging.WARNING)


class _Lines(io.RawIOBase):
    """Logs each line that is written to it."""

    def __init__(self, name: str, descriptor: int, level: int) -> None:
        self._logger = logging.getLogger(name)
        self._descriptor = descriptor
        self._level = level
        self._begun = b""
        self._inside = threading.local()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """The real one, for programs that are started with this stream."""
        return self._descriptor

    def write(self, data: object) -> int:
        taken = bytes(data)  # type: ignore[call-overload]
        *lines, self._begun = (self._begun + taken).split(b"\n")
        if len(self._begun) > _LONGEST:
            lines, self._begun = [*lines, self._begun], b""
        for line in lines:
            self._tell(line)
        return len(taken)

    def close(self) -> None:
        if self._begun:
            self._tell(self._begun)
            self._begun = b""
        super().close()

    def _tell(self, line: bytes) -> None:
        # A handler of logs that somebody added may write to this very stream.
        if line.strip() and not getattr(self._inside, "yes", False):
            self._inside.yes = True
            try:
                self._logger.log(self._level, "%s", line.decode("utf-8", "backslashreplace").rstrip())
            finally:
                self._inside.yes = False


def _stream(name: str, descriptor: int, level: int) -> io.TextIOWrapper:
    # Without a buffer between: that of Python refuses to be written to by what is called while it writes.
    lines: Any = _Lines(name, descriptor, level)
    return io.TextIOWrapper(lines, encoding="utf-8", errors="backslashreplace", write_through=True)


def _unhandled(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    _logger().critical("Unhandled exception", exc_info=(kind, error, traceback))


def _unhandled_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_type is SystemExit or arguments.exc_value is None:
        return
    _logger().error("Unhandled exception in a thread", exc_info=arguments.exc_value)


def _unraisable(arguments: sys.UnraisableHookArgs) -> None:
    error = arguments.exc_value
    _logger().error(arguments.err_msg or "Exception ignored in a finaliser", exc_info=error)


def _logger() -> logging.Logger:
    return logging.getLogger(__name__)
