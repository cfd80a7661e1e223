"""Terminal output. It contains untrusted text, which must not control the terminal."""

from __future__ import annotations

import codecs
import io
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from ..log import journal
from ..log.escaping import escaped, escaped_in_json
from .arguments import EXIT_OUTPUT


class OutputError(Exception):
    """Raised when standard output cannot be written, for example to a full disk."""


def accept_every_character() -> None:
    """Escape characters that the output's encoding cannot represent, instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run_with_output(program: str, main: Callable[[], int]) -> int:
    """Run `main` and write what it has printed. Return its exit code, or another one if that failed."""
    _keep_unwritten_output()
    try:
        try:
            code = main()
        except SystemExit as error:  # argparse, after a usage error or --help, whose failed output it ignores
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        # At interpreter exit it would be too late for a message, and the exit code would be 120.
        flush_output()
    except BrokenPipeError:
        # Not 0: the command may not have finished its work when the reader closed the pipe.
        discard_output()
        return 128 + signal.SIGPIPE
    except OutputError as error:
        print_error(f"{program}: cannot write the output: {error}")
        discard_output()
        return EXIT_OUTPUT
    finally:
        _discard_unwritten_errors()
    return code


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
    # A command does its work even if a full disk takes no message.
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def has_user() -> bool:
    """Return whether somebody at a terminal can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def is_confirmed(question: str) -> bool:
    """Ask the user, and return whether the answer is yes; no without a user."""
    if not has_user():
        return False
    print_error(f"{question} [y/N]")  # seen also if the output goes to a file
    return sys.stdin.buffer.readline().strip().lower() in (b"y", b"yes")


def print_json(value: Any, indent: int | None = None) -> None:
    """Print the value as JSON, with unprintable characters escaped in JSON's syntax, and all but ASCII if the
    output isn't UTF-8, as JSON has to be.

    Raises the same errors as `print_line`.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    ascii_only = codecs.lookup(encoding).name != "utf-8"
    written = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    _write(escaped_in_json(written) + "\n")


def discard_output() -> None:
    """Discard buffered output; otherwise Python reports the error again at exit."""
    _write_nowhere(sys.stdout)


def _keep_unwritten_output() -> None:
    """Give standard output a buffer if it has none (PYTHONUNBUFFERED), and write each line at once.

    Without a buffer, text that cannot be written is lost, and argparse ignores the error.
    """
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and isinstance(stream.buffer, io.RawIOBase):
        sys.stdout = open(  # noqa: SIM115 # open until the program ends
            stream.fileno(), "w", buffering=1, encoding=stream.encoding, errors=stream.errors, closefd=False
        )


def _discard_unwritten_errors() -> None:
    """Keep the exit code if messages could not be written: there is nowhere to say so."""
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        _write_nowhere(sys.stderr)


def _write_nowhere(stream: TextIO) -> None:
    try:
        sink = os.open(os.devnull, os.O_WRONLY)
    except OSError:  # in a bare chroot
        sink = os.memfd_create("discarded")
    os.dup2(sink, stream.fileno())


def _write(text: str, flush: bool = False) -> None:
    try:
        print(text, end="", flush=flush)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.strerror or str(error)) from error
