from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from preppath_workers import handlers
from preppath_workers.handlers import KINDS
from preppath_workers.handlers.kind import Kind

FOLDER = Path(handlers.__path__[0])


def stdout(program: str) -> str:
    """What the program prints, run by a Python of its own with nothing imported."""
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    ).stdout


def test_each_kind_has_a_queue_and_a_handler_of_its_own() -> None:
    assert [kind.name for kind in KINDS] == ["transcription", "tts", "evaluation", "webhook"]
    assert len({kind.load() for kind in KINDS}) == len(KINDS)


def test_the_registry_alone_loads_no_vendors_library() -> None:
    program = """
import sys
import preppath_workers.handlers
print(*{"openai", "boto3", "psycopg2"} & set(sys.modules))
"""
    assert stdout(program).split() == []


def test_loading_the_handlers_opens_no_connection_and_starts_no_thread() -> None:
    """What is loaded before a fork must bear being forked."""
    program = """
import sys, threading
from pathlib import Path
from preppath_workers.handlers import KINDS
for kind in KINDS:
    kind.load()
links = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
print(threading.active_count(), sum("socket" in link for link in links))
print({"openai", "boto3", "psycopg2"} <= set(sys.modules))
"""
    assert stdout(program).split() == ["1", "0", "True"]


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        ("transcription", {"openai", "boto3", "psycopg2"}),
        ("tts", {"openai", "boto3", "psycopg2"}),
        ("evaluation", {"openai", "psycopg2"}),
        ("webhook", {"requests"}),
    ],
)
def test_a_queue_loads_what_it_needs_and_no_more(queue: str, expected: set[str]) -> None:
    program = f"""
import sys
from preppath_workers.handlers import KINDS
for kind in KINDS:
    if kind.name == {queue!r}:
        kind.load()
print(*{{"openai", "boto3", "psycopg2", "requests"}} & set(sys.modules))
"""
    assert {*stdout(program).split()} == expected


def with_helpers(module: str, found: dict[str, str]) -> dict[str, str]:
    """The source of a module beside the registry and of those that it imports from there."""
    if module not in found:
        found[module] = (FOLDER / f"{module}.py").read_text(encoding="utf-8")
        imported = re.findall(r"^from \.(\w+) import", found[module], re.MULTILINE)
        for line in re.findall(r"^from \. import (.+)$", found[module], re.MULTILINE):
            imported += line.split(", ")
        for name in imported:
            with_helpers(name, found)
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_names_the_services_that_its_handler_uses(kind: Kind) -> None:
    """What is not named is loaded within a job, by each worker for itself."""
    sources = "\n".join(with_helpers(kind.module, {}).values())
    assert {*kind.services} == {*re.findall(r"\bservices\.(\w+)", sources)}
