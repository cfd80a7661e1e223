"""Leaves out the tests that do not run by default before they are imported: each worker would import them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import is_usual

#: What all tests of a file are marked with.
_LEFT_OUT = re.compile(r"^pytestmark = (\[[^]]*|.*)\bmark\.(trial|offline)\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Return True to leave the file out."""
    if collection_path.suffix != ".py" or not is_usual(config):
        return None
    return bool(_LEFT_OUT.search(collection_path.read_text(encoding="utf-8"))) or None
