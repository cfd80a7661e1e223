"""Reads an `.env` file."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from ..errors import ConfigError

if TYPE_CHECKING:
    from dotenv.parser import Binding


def read_env_file(path: str | Path) -> dict[str, str | None]:
    """Return the variables of the file, with None for a name without `=`. If several lines set one, the last
    counts.

    Raises ConfigError if the file cannot be read, or has lines that set no variable.
    """
    return {binding.key: binding.value for binding in _bindings(path) if binding.key is not None}


def repeated_names(path: str | Path) -> dict[str, list[int]]:
    """Return the names that several lines set, with the numbers of these lines. Raises ConfigError."""
    lines: dict[str, list[int]] = {}
    for binding in _bindings(path):
        if binding.key is not None:
            lines.setdefault(binding.key, []).append(_line(binding))
    return {name: numbers for name, numbers in lines.items() if len(numbers) > 1}


def refuse_second_read(path: str | Path | None) -> None:
    """Raise ConfigError if the file, which was read before, is a pipe or the like.

    It would seem empty, so that all settings became the defaults, or block the process until somebody writes.
    """
    try:
        is_file = path is None or S_ISREG(Path(path).stat().st_mode)
    except OSError:
        return  # reading it says why
    if not is_file:
        raise ConfigError(
            f"cannot read {path} again: it is not a file but a pipe or the like; restart instead"
        )


def _bindings(path: str | Path) -> list[Binding]:
    try:
        # Editors on Windows begin the file with a byte order mark, which would belong to the first name.
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"cannot read {path}: {reason}") from error
    if "\0" in text:  # no variable can hold one
        raise ConfigError(f"cannot read {path}: it contains a NUL character")
    from dotenv.parser import parse_stream  # most commands read no file, or the producer has no python-dotenv

    bindings = [*parse_stream(StringIO(text))]
    if wrong := [_line(binding) for binding in bindings if binding.error]:
        expected = "expected NAME=value, with matching quotes or none"
        raise ConfigError(*(f"{path}, line {line} is wrong: {expected}" for line in wrong))
    return bindings


def _line(binding: Binding) -> int:
    """Return the number of the line; a binding begins with the blank lines before it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
