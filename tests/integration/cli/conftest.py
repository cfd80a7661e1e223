"""The command line, on the tests' Redis."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.cli.main import main
from preppath_workers.store.consuming.consumer import Consumer
from tests.support.process import ROOT

from .slots import open_consumer

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(redis_url: str, key_prefix: str) -> Run:
    """Run a command of preppath-workers, in this process: starting Python takes longer than most commands.

    Another program of bin/, and preppath-workers without a command, run as processes.
    """

    def run(
        *words: str, stdin: str = "", program: str = "preppath-workers", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix, **variables}
        if program != "preppath-workers" or not words or "PYTHONIOENCODING" in variables:
            return run_as_process([program, *words], stdin, environment)
        return run_in_process(words, stdin, environment)

    return run


def run_as_process(
    command: Sequence[str], stdin: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "bin" / command[0]), *command[1:]],
        input=stdin,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def run_in_process(
    words: Sequence[str], stdin: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    with (
        patch.dict(os.environ, environment, clear=True),
        patch.object(sys, "stdin", given),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = main(words)
    printed = [stream.flush() or stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined, func-returns-value]
    return subprocess.CompletedProcess(words, code, *printed)


@pytest.fixture
def tts(redis: Redis, key_prefix: str) -> Queue:
    return Queue("tts", redis, key_prefix)


@pytest.fixture
def consumer(redis_url: str, key_prefix: str) -> Consumer:
    return open_consumer(redis_url, key_prefix, "tts")
