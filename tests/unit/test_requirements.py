"""What the documents tell to install."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_redis_of_producers_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [required] = [word for word in project["dependencies"] if word.startswith("redis[")]
    shown = re.findall(r"pip install '(redis[^']*)'", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown == [required.replace("[hiredis]", "")]
