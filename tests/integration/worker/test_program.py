"""The program itself, with PrepPath's own queues."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.pipes import pipe_with
from tests.support.waiting import eventually

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


def test_reload_with_another_queue_loads_its_handler(program: App, env_file: Path, redis: Redis) -> None:
    """A supervisor loads the handlers of its own queues only."""
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


def test_reload_that_cannot_load_a_handler_changes_nothing(
    program: App, env_file: Path, tmp_path: Path
) -> None:
    """The log's settings and secrets also stay those of the old configuration."""
    (tmp_path / "boto3.py").write_text("raise ImportError('broken')", encoding="utf-8")
    variables = {name: value for name, value in program.environment.items() if name != "LOG_LEVEL"}
    program.environment = {**variables, "PYTHONPATH": str(tmp_path)}
    lines = "QUEUES=evaluation\nEVALUATION_CONCURRENCY=1\nLOG_LEVEL=debug\n"
    env_file.write_text(lines, encoding="utf-8")
    program.start()
    workers = program.workers()

    env_file.write_text("QUEUES=evaluation,tts\nLOG_LEVEL=error\n", encoding="utf-8")
    program.send(signal.SIGHUP)
    cause = "cannot run the job tts: ImportError: broken"
    eventually(lambda: program.logged(f"Cannot reload configuration, keeping the old one: {cause}"))

    program.send(signal.SIGTTIN)
    eventually(lambda: program.logged("Number of workers changed"))
    eventually(lambda: {*program.workers()} == {"evaluation:0", "evaluation:1"})
    assert program.workers().items() >= workers.items()
    assert program.stop() == 0


def test_reload_of_a_configuration_from_a_pipe_changes_nothing_and_blocks_nothing(
    program: App, env_file: Path
) -> None:
    """Read again, the pipe would be empty or block: `--config <(sops decrypt secrets.env)`."""
    with pipe_with(env_file, "QUEUES=evaluation\nEVALUATION_CONCURRENCY=1\n"):
        program.start()
    workers = program.workers()

    program.send(signal.SIGHUP)
    refused = f"cannot read {env_file} again: it is not a file but a pipe or the like; restart instead"
    eventually(lambda: program.logged(f"Cannot reload configuration, keeping the old one: {refused}"))

    assert program.workers() == workers
    assert program.stop() == 0


def test_misspelt_variables_of_the_file_are_logged_at_the_start_and_at_a_reload(
    program: App, env_file: Path
) -> None:
    """They have no effect, so the workers would silently run with the defaults."""
    known = "QUEUES=evaluation\nEVALUATION_CONCURRENCY=1\nPATH_OF_ANOTHER_PROGRAM=/\n"
    env_file.write_text(f"{known}EVALUATION_RETRYS=1\n", encoding="utf-8")
    program.start()
    env_file.write_text(f"{known}OPENAI_MODLE=gpt-6-sol\n", encoding="utf-8")
    program.send(signal.SIGHUP)
    eventually(lambda: program.logged("Configuration reloaded"))

    logged = program.logged("Variable is misspelt, so it has no effect")
    assert [(line["variable"], line["meant"]) for line in logged] == [
        ("EVALUATION_RETRYS", "EVALUATION_RETRIES"),
        ("OPENAI_MODLE", "OPENAI_MODEL"),
    ]
    assert program.stop() == 0
