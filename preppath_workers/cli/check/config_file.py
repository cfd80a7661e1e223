"""Check the permissions of the configuration file, and the names in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...config.env_file import read_env_file, repeated_names
from ...config.model import QueueConfig
from ...config.names import misspelt
from .findings import Finding


def check_config_file(path: str | None, defaults: Sequence[QueueConfig]) -> Iterator[Finding]:
    """Yield warnings: every local user can read the file, which holds keys and passwords, or a name is
    misspelt, so that its value would be ignored, or several lines set it.

    Args:
        defaults: all queues, for the names of their variables.
    """
    if not path or not Path(path).is_file():  # a pipe was read already
        return
    if Path(path).stat().st_mode & 0o004:
        yield Finding(
            "warning", "config file", f"every user can read the secrets in {path}: chmod o-r {path}"
        )
    for name, meant in misspelt([*read_env_file(path)], defaults).items():
        yield Finding("warning", "config file", f"{name} is not a variable of the workers; {meant} is")
    for name, lines in repeated_names(path).items():
        *others, last = map(str, lines)
        yield Finding(
            "warning", "config file", f"lines {', '.join(others)} and {last} set {name}; {last} counts"
        )
