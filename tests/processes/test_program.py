"""The program itself, with PrepPath's own queues."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.waiting import eventually

from .harness import App, queue_of, state_of

pytestmark = pytest.mark.processes


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / "env"


@pytest.fixture
def program(environment: dict[str, str], env_file: Path, tmp_path: Path) -> Iterator[App]:
    app = App(tmp_path, environment, module="preppath_workers", arguments=("--config", str(env_file)))
    yield app
    app.kill()


def test_a_queue_that_a_new_configuration_names_has_its_handler(
    program: App, env_file: Path, redis: Redis
) -> None:
    """Handlers are loaded for the queues that there are."""
    env_file.write_text("QUEUES=evaluation\nEVALUATION_CONCURRENCY=1\n", encoding="utf-8")
    program.start()
    assert {*program.workers()} == {"evaluation:0"}

    env_file.write_text("QUEUES=tts\nTTS_CONCURRENCY=1\n", encoding="utf-8")
    program.send(signal.SIGHUP)

    eventually(lambda: {*program.workers()} == {"tts:0"})
    tts = queue_of(redis, program.environment, "tts")
    tts.enqueue({"text": "of no question"}, id="a")
    eventually(lambda: state_of(tts, "a") == "failed")
    assert tts.dead_letters()[0].reason == "invalid"
    assert program.stop() == 0
