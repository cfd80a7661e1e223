"""Check the permissions of the configuration file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .findings import Finding


def check_config_file(path: str | None) -> Iterator[Finding]:
    """Yield a warning if every local user can read the file, which holds keys and passwords."""
    if path and Path(path).stat().st_mode & 0o004:
        yield Finding(
            "warning", "config file", f"every user can read the secrets in {path}: chmod o-r {path}"
        )
