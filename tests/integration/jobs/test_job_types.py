from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from preppath_workers import jobs
from preppath_workers.jobs import JOB_TYPES
from preppath_workers.registry import JobType

FOLDER = Path(jobs.__path__[0])


def stdout(program: str) -> str:
    """What the program prints, run by a Python of its own with nothing imported."""
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    ).stdout


def test_each_kind_has_a_queue_and_a_handler_of_its_own() -> None:
    assert [job_type.name for job_type in JOB_TYPES] == ["transcription", "tts", "evaluation", "webhook"]
    assert len({job_type.load() for job_type in JOB_TYPES}) == len(JOB_TYPES)


def test_the_registry_alone_loads_no_vendors_library() -> None:
    program = """
import sys
import preppath_workers.jobs
print(*{"openai", "boto3", "psycopg2"} & set(sys.modules))
"""
    assert stdout(program).split() == []


def test_loading_the_handlers_opens_no_connection_and_starts_no_thread() -> None:
    """What is loaded before a fork must bear being forked."""
    program = """
import sys, threading
from pathlib import Path
from preppath_workers.jobs import JOB_TYPES
for kind in JOB_TYPES:
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
from preppath_workers.jobs import JOB_TYPES
for kind in JOB_TYPES:
    if kind.name == {queue!r}:
        kind.load()
print(*{{"openai", "boto3", "psycopg2", "requests"}} & set(sys.modules))
"""
    assert {*stdout(program).split()} == expected


def sources(module: str) -> str:
    """The source of a job: of its folder, or of its one module."""
    files = sorted((FOLDER / module).glob("*.py")) or [FOLDER / f"{module}.py"]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("job_type", JOB_TYPES, ids=lambda kind: kind.name)
def test_a_kind_names_the_services_that_its_handler_uses(job_type: JobType) -> None:
    """What is not named is loaded within a job, by each worker for itself."""
    used = re.findall(r"\bservices\.(\w+)", sources(job_type.module))
    assert {*job_type.services} == {*used}
