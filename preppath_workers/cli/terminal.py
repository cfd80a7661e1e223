"""Terminal output. It contains untrusted text, which must not control the terminal."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from typing import Any

from ..log import journal
from ..queue.escaping import escaped, escaped_in_json


class OutputError(Exception):
    """Raised when standard output cannot be written, for example to a full disk."""


def accept_every_character() -> None:
    """Escape characters that the output's encoding cannot represent, instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_line(line: str = "", flush: bool = False) -> None:
    """Print one line, escaped. Raises OutputError, and BrokenPipeError if the reader is gone."""
    _write(escaped(line) + "\n")
    if flush:
        flush_output()


def flush_output() -> None:
    """Write buffered output. Raises the same errors as `print_line`."""
    _write("", flush=True)


def print_error(line: str) -> None:
    """Print one line to standard error, escaped; in the systemd journal, with priority `err`."""
    if sys.stderr is None:  # closed: `print` would choose standard output
        return
    line = escaped(line)
    if journal.is_journal(2):
        line = journal.with_priority(line, logging.ERROR)
    print(line, file=sys.stderr)


def print_json(value: Any, indent: int | None = None) -> None:
    """Print the value as JSON, with unprintable characters escaped in JSON's syntax.

    Raises the same errors as `print_line`.
    """
    written = json.dumps(value, ensure_ascii=False, indent=indent)
    _write(escaped_in_json(written) + "\n")


def discard_output() -> None:
    """Discard buffered output; otherwise Python reports the error again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(text: str, flush: bool = False) -> None:
    try:
        print(text, end="", flush=flush)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.strerror or str(error)) from error
