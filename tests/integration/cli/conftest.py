"""The command line, run as a shell runs it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.consumer import Consumer

from .slots import open_consumer

ROOT = Path(__file__).parents[3]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(redis_url: str, key_prefix: str) -> Run:
    """Run bin/preppath-workers, or another program of bin/."""

    def run(
        *words: str, stdin: str = "", program: str = "preppath-workers", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix, **variables}
        return subprocess.run(
            [str(ROOT / "bin" / program), *words],
            input=stdin,
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


@pytest.fixture
def tts(redis: Redis, key_prefix: str) -> Queue:
    return Queue("tts", redis, key_prefix)


@pytest.fixture
def consumer(redis_url: str, key_prefix: str) -> Consumer:
    return open_consumer(redis_url, key_prefix, "tts")
