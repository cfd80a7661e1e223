"""A supervisor for each test, and its queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue
from tests.fake_openai.control import OpenAIServer
from tests.support.minimal_env import MINIMAL_ENV

from .capped_worker import SETTINGS, CappedWorker
from .harness import App
from .one_attempt import config_of, consuming

Start = Callable[..., App]


@pytest.fixture
def environment(redis_url: str, key_prefix: str, tmp_path: Path) -> dict[str, str]:
    """The configuration of each supervisor."""
    return {
        "REDIS_URL": redis_url,
        "KEY_PREFIX": key_prefix,
        **MINIMAL_ENV,
        "HANDLER_RECORD": str(tmp_path / "record"),
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "json",
        "ALPHA_CONCURRENCY": "2",
        "BETA_CONCURRENCY": "1",
        "LEASE_SECONDS": "3",
        "SHUTDOWN_GRACE": "5",
    }


@pytest.fixture
def launch(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Make supervisors with changed variables, not yet started; kill them after the test."""
    apps: list[App] = []

    def make(**changed: str) -> App:
        folder = tmp_path / f"app{len(apps)}"
        folder.mkdir()
        apps.append(App(folder, {**environment, **changed}))
        return apps[-1]

    yield make
    for app in apps:
        app.kill()


@pytest.fixture
def evaluation_environment(
    tmp_path: Path, redis_url: str, key_prefix: str, database_url: str, vendor: OpenAIServer
) -> dict[str, str]:
    """The configuration of workers of the real queue `evaluation`, for `killing_app`."""
    return {
        **MINIMAL_ENV,
        "REDIS_URL": redis_url,
        "KEY_PREFIX": key_prefix,
        "DATABASE_URL": database_url,
        "OPENAI_BASE_URL": vendor.base_url,
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "debug",
        "KILL_FOLDER": str(tmp_path),
        "QUEUES": "evaluation",
        "EVALUATION_RATE_LIMIT": "none",
    }


@pytest.fixture
def alpha(redis: Redis, key_prefix: str) -> Queue:
    """The queue alpha, with two workers unless a test says otherwise."""
    return Queue("alpha", redis, key_prefix)


@pytest.fixture
def queue(redis: Redis, key_prefix: str) -> Queue:
    """A queue without workers, for tests that run its jobs themselves."""
    return Queue("tts", redis, key_prefix)


@pytest.fixture
def capped(redis_url: str, key_prefix: str, queue: Queue) -> Iterator[CappedWorker]:
    config = config_of(redis_url, key_prefix)
    with consuming(config, SETTINGS) as consumer:
        yield CappedWorker(config, consumer, key_prefix, queue)
