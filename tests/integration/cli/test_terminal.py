"""Output of commands: escaped, within the terminal, and with an exit code if it cannot be written."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.log.escaping import escaped
from preppath_workers.queue.formatting import counted, span
from tests.support.dead_letters import add_dead_letters
from tests.support.full_output import run_with_full_output
from tests.support.process import ROOT

from .conftest import Run

#: Set the title, ring the bell, return to the start of the line, clear the screen (C1), reverse the reading
#: direction, add half an emoji, and begin a new line.
HOSTILE = "\x1b]0;title\x07\rforged\x9b2J\u202eevil\ud83d\nstate completed"

#: Characters that must not reach a terminal.
DANGEROUS = ("\x1b", "\x07", "\r", "\x9b", "\u202e", "\ud83d")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcödé 日本\u3000語 🎉", "plain, ünïcödé 日本\u3000語 🎉"),
        ("\x1b[2J\x07\r\n\t\x7f", "\\x1b[2J\\x07\\r\\n\\t\\x7f"),
        ("\x9b2J \u202e \u2066 \u2028", "\\x9b2J \\u202e \\u2066 \\u2028"),
        ("\ud83d \U000e0001", "\\ud83d \\U000e0001"),
    ],
)
def test_escaped_with_control_characters_shows_their_codes(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.fixture
def hostile_texts(tts: Queue, redis: Redis) -> None:
    """A dead job and a gate with texts that try to control the terminal."""
    data = {"text": HOSTILE.replace("\ud83d", "")}
    error = {"class": f"E{HOSTILE}", "message": HOSTILE}
    add_dead_letters(tts, "dead", error=error, data=json.dumps(data))
    tts.enqueue(data, id="waits")
    held = {"heldUntil": tts.now() + 60_000, "heldReason": HOSTILE.replace("\ud83d", "")}
    redis.hset(tts.keys.gate, mapping=held)


@pytest.mark.usefixtures("hostile_texts")
@pytest.mark.parametrize(
    "words",
    [
        ["show", "tts", "dead"],
        ["show", "tts", "waits"],
        ["jobs", "tts"],
        ["jobs", "tts", "--state", "failed"],
        ["dead", "list", "tts"],
        ["dead", "replay", "tts", "--dry-run"],
        ["queues"],
        ["health"],
        ["top", "--once"],
        ["enqueue", "tts", "{}", "--id", HOSTILE.replace("\ud83d", "")],
    ],
)
def test_command_with_hostile_texts_prints_no_control_character(run: Run, words: list[str]) -> None:
    done = run(*words, QUEUES="tts")
    assert done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for control in DANGEROUS:
        assert control not in done.stdout + done.stderr
    assert not any(line.startswith("state completed") for line in done.stdout.splitlines())


@pytest.mark.usefixtures("hostile_texts")
@pytest.mark.parametrize(
    "words",
    [
        ["show", "tts", "dead", "--json"],
        ["jobs", "tts", "--state", "failed", "--json"],
        ["dead", "show", "tts"],
        ["dead", "list", "tts", "--json"],
    ],
)
def test_json_output_of_hostile_texts_keeps_them_and_prints_no_control_character(
    run: Run, words: list[str]
) -> None:
    done = run(*words)
    assert json.loads(done.stdout)["error"]["message"] == HOSTILE
    for control in DANGEROUS:
        assert control not in done.stdout


def test_command_with_an_ascii_output_replaces_other_characters(run: Run, tts: Queue) -> None:
    tts.enqueue({"text": "x" * 99}, id="a")  # is shortened with …
    done = run("jobs", "tts", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


@pytest.mark.parametrize("text", ["é", "é 你好 😀\x07"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf_8"])
def test_json_output_in_any_encoding_is_json(run: Run, tts: Queue, encoding: str, text: str) -> None:
    tts.enqueue({"text": text}, id="a")
    done = run("show", "tts", "a", "--json", PYTHONIOENCODING=encoding)
    assert json.loads(done.stdout)["data"] == {"text": text}
    assert done.stdout.isascii() is (encoding != "utf_8")


@pytest.mark.parametrize("state", [{}, {"outOfService": "a long reason " * 9, "service": "openai"}])
def test_queues_on_80_columns_fits(run: Run, tts: Queue, redis: Redis, state: dict[str, str]) -> None:
    if state:
        redis.hset(tts.keys.gate, mapping=state)
    lines = run("queues", COLUMNS="80").stdout.splitlines()
    assert all(len(line) <= 80 for line in lines[:4])
    assert "LIMIT" in run("queues", COLUMNS="120").stdout.splitlines()[0]
    if state:
        assert lines[2].endswith("  out of service")
        assert "a long reason" in lines[-1]


def test_command_with_a_full_output_exits_with_74(redis_url: str, key_prefix: str, tts: Queue) -> None:
    tts.enqueue({}, id="a")
    for words in (["queues"], ["jobs", "tts", "--json"], ["--help"]):
        command = [str(ROOT / "bin/preppath-workers"), *words]
        found = run_with_full_output(command, REDIS_URL=redis_url, KEY_PREFIX=key_prefix)
        assert found == (74, "preppath-workers: cannot write the output: No space left on device\n")


def test_command_with_a_closed_pipe_exits_silently_with_141(
    redis_url: str, key_prefix: str, tts: Queue
) -> None:
    environment = {**os.environ, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix}
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [str(ROOT / "bin/preppath-workers"), "queues"],
        env=environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (["queues", "--nope"], "usage: preppath-workers queues "),
        (["dead", "list", "tts", "--nope"], "usage: preppath-workers dead list "),
        (["--nope"], "usage: preppath-workers [-h]"),
    ],
)
def test_command_with_an_unknown_option_shows_its_usage(run: Run, words: list[str], usage: str) -> None:
    wrong = run(*words)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith(usage)
    assert "unrecognized arguments: --nope" in wrong.stderr


@pytest.mark.parametrize("words", [["jobs", "tts"], ["dead", "list", "tts"], ["dead", "replay", "tts"]])
def test_command_with_a_limit_of_zero_is_refused(run: Run, words: list[str]) -> None:
    wrong = run(*words, "--limit", "0")
    assert wrong.returncode == 2
    assert "must be 1 or more, not 0" in wrong.stderr


def test_dead_letters_with_a_count_of_zero_is_empty(tts: Queue) -> None:
    add_dead_letters(tts, "a")
    assert tts.dead_letters(count=0) == []
    assert len(tts.dead_letters(count=1)) == 1


def test_jobs_of_an_empty_state_says_so(run: Run) -> None:
    done = run("jobs", "tts", "--state", "failed", "--offset", "40")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "jobs: queue tts has no failed jobs after the first 40\n"


def test_counted_of_one_is_singular() -> None:
    assert [counted(number, "worker") for number in (0, 1, 2_000)] == [
        "0 workers",
        "1 worker",
        "2,000 workers",
    ]
    assert span(86_400_000) == "1 day"


@pytest.mark.parametrize("words", ["queues", "top --once", "costs", "costs --by user"])
def test_table_of_every_command_has_headings_in_capitals(run: Run, tts: Queue, words: str) -> None:
    heading = run(*words.split()).stdout.splitlines()[0]
    assert heading == heading.upper()
