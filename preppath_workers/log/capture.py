"""Sends standard output, standard error and unhandled exceptions to the log, so that what handlers, libraries
and Python print is redacted too."""

from __future__ import annotations

import io
import logging
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: Bytes of an unfinished line after which it is logged.
_MAX_LINE = 16 * 1024


def capture_output() -> None:
    """Log everything that the process prints from now on. For processes whose only output is the log."""
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
        """Return the real descriptor, for programs that are started with this stream."""
        return self._descriptor

    def write(self, data: ReadableBuffer) -> int:
        taken = bytes(data)
        *lines, self._begun = (self._begun + taken).split(b"\n")
        if len(self._begun) > _MAX_LINE:
            lines, self._begun = [*lines, self._begun], b""
        for line in lines:
            self._log(line)
        return len(taken)

    def close(self) -> None:
        if self._begun:
            self._log(self._begun)
            self._begun = b""
        super().close()

    def _log(self, line: bytes) -> None:
        # A logging handler that a library adds may write to this stream: do not log that again.
        if line.strip() and not getattr(self._inside, "active", False):
            self._inside.active = True
            try:
                self._logger.log(self._level, "%s", line.decode("utf-8", "backslashreplace").rstrip())
            finally:
                self._inside.active = False


def _stream(name: str, descriptor: int, level: int) -> io.TextIOWrapper:
    # Unbuffered, because Python's buffer rejects reentrant writes.
    lines: Any = _Lines(name, descriptor, level)
    return io.TextIOWrapper(lines, encoding="utf-8", errors="backslashreplace", write_through=True)


def _unhandled(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    _logger().critical("Unhandled exception", exc_info=(kind, error, traceback))


def _unhandled_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_type is SystemExit or arguments.exc_value is None:
        return
    _logger().error("Unhandled exception in thread", exc_info=arguments.exc_value)


def _unraisable(arguments: sys.UnraisableHookArgs) -> None:
    error = arguments.exc_value
    _logger().error(arguments.err_msg or "Exception ignored in finalizer", exc_info=error)


def _logger() -> logging.Logger:
    return logging.getLogger(__name__)
