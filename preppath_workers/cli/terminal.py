"""Writing to a terminal: what it shows holds text of strangers, which must not control it."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
import unicodedata
from typing import Any

from ..log import journal

#: Candidates for `_escape`: everything beyond printable ASCII.
_SUSPECT = re.compile(r"[^ -~]")


def escaped(text: str) -> str:
    """Return the text with everything that is not printable as `\\x1b`, `\\u202e` or `\\ud83d`: control
    characters (line ends too), bidirectional controls, halves of surrogate pairs, unassigned characters."""
    return _SUSPECT.sub(_escape, text)


class OutputError(Exception):
    """Raised when standard output refuses what is written to it, as on a full disk."""


def accept_every_character() -> None:
    """Escape characters that the encoding of the output does not know, in place of refusing them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_line(line: str = "", flush: bool = False) -> None:
    """Print one line, escaped. Raises OutputError, and BrokenPipeError without a reader."""
    _write(escaped(line) + "\n")
    if flush:
        flush_output()


def flush_output() -> None:
    """Write what is still buffered. Raises as `print_line` does."""
    _write("", flush=True)


def print_error(line: str) -> None:
    """Print one line to standard error, escaped; to the journal as an error."""
    line = escaped(line)
    if sys.stderr and journal.is_journal(2):
        line = journal.with_priority(line, logging.ERROR)
    print(line, file=sys.stderr)


def print_json(value: Any, indent: int | None = None) -> None:
    """Print the value as JSON. What a terminal would obey is escaped as JSON does it, so the value stays the
    same. Raises as `print_line` does."""
    written = json.dumps(value, ensure_ascii=False, indent=indent)
    _write(_SUSPECT.sub(_escape_in_json, written) + "\n")


def discard_output() -> None:
    """Send what is still buffered nowhere: Python would print_error once more when it closes the stream."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(text: str, flush: bool = False) -> None:
    try:
        print(text, end="", flush=flush)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.strerror or str(error)) from error


def _is_shown(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"


def _escape(match: re.Match[str]) -> str:
    letter = match[0]
    return letter if _is_shown(letter) else letter.encode("unicode_escape").decode("ascii")


def _escape_in_json(match: re.Match[str]) -> str:
    letter = match[0]
    return letter if _is_shown(letter) or letter == "\n" else json.dumps(letter)[1:-1]
