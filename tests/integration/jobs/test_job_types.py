"""The registry of PrepPath's job types, and what loading a handler does."""

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
    """The output of the program in a new Python process."""
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    ).stdout


def test_job_types_each_have_a_queue_and_a_handler() -> None:
    assert [job_type.name for job_type in JOB_TYPES] == ["transcription", "tts", "evaluation", "webhook"]
    assert len({job_type.load() for job_type in JOB_TYPES}) == len(JOB_TYPES)


def test_job_type_on_load_imports_only_what_it_needs() -> None:
    """Each is loaded in a fork of a process that has loaded none. The packages whose import takes longest
    have stand-ins, whose every name is an exception class."""
    program = """
import os, sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from preppath_workers.jobs import JOB_TYPES

class StandIns(MetaPathFinder, Loader):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("boto3", "botocore", "openai"):
            return ModuleSpec(name, self, is_package=True)

    def exec_module(self, module):
        module.__getattr__ = lambda name: type(name, (Exception,), {})

sys.meta_path.insert(0, StandIns())
for job_type in (None, *JOB_TYPES):
    if not os.fork():
        if job_type:
            job_type.load()
        loaded = {"openai", "boto3", "psycopg2", "requests"} & set(sys.modules)
        print(job_type.name if job_type else "none", *sorted(loaded), flush=True)
        os._exit(0)
    os.wait()
"""
    assert stdout(program).splitlines() == [
        "none",
        "transcription boto3 openai psycopg2",
        "tts boto3 openai psycopg2",
        "evaluation openai psycopg2",
        "webhook requests",
    ]


def sources(module: str) -> str:
    """The source of a job: of its folder, or of its one module."""
    files = sorted((FOLDER / module).glob("*.py")) or [FOLDER / f"{module}.py"]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("job_type", JOB_TYPES, ids=lambda job_type: job_type.name)
def test_job_type_names_the_services_that_its_handler_uses(job_type: JobType) -> None:
    """A service that is not named would be loaded within a job, once a worker."""
    used = re.findall(
        r"\bservices\.(\w+)", sources(str(job_type.function).partition(":")[0].rpartition(".")[2])
    )
    assert {name.partition(".")[0] for name in job_type.defaults.services} == {*used}
