"""Hostile command lines: a documented exit code, never a traceback."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preppath_workers.cli.main import main

#: Done, refused, usage error, Redis unavailable, temporary failure, configuration error.
EXIT_CODES = {0, 1, 2, 69, 75, 78}

#: Commands that end by themselves and start no process.
COMMANDS = ("queues", "jobs", "show", "status", "pause", "cancel", "promote", "prioritize", "dead", "replay",
            "enqueue", "health", "why", "resume")  # fmt: skip

WORDS = st.sampled_from(
    [*COMMANDS, "list", "purge", "tts", "j1", "--all", "--json", "--state", "failed", "--limit", "--page",
     "-1", "0", "1e9", "9" * 400, "--reason", "--older-than", "3d", "--dry-run",
     "--yes", "--priority", "--id", "--delay",
     "nan", "{", '{"a":1}', "{{", "", "--", "-", "\x1b[2J", "é", "\udcff", "a\nb", "preppath:{tts}:wait", "*"]
) | st.text(st.characters(exclude_characters="\0"), max_size=8)  # fmt: skip


@pytest.fixture(autouse=True)
def unavailable_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """A complete configuration, and a Redis that refuses connections."""
    for name, value in {
        "REDIS_URL": "redis://127.0.0.1:1",
        "OPENAI_API_KEY": "sk-canary",
        "S3_BUCKET": "b",
        "DATABASE_URL": "postgresql://u:canary@127.0.0.1:1/preppath",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@given(command=st.sampled_from(COMMANDS), words=st.lists(WORDS, max_size=5))
def test_command_with_hostile_arguments_ends_with_an_exit_code_and_shows_no_secret(
    command: str, words: list[str]
) -> None:
    seen = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="replace")
    with contextlib.redirect_stdout(seen), contextlib.redirect_stderr(seen):
        try:
            code = main([command, *words])
        except SystemExit as left:
            code = int(left.code or 0)
    seen.flush()
    assert code in EXIT_CODES
    assert b"canary" not in seen.buffer.getvalue()
