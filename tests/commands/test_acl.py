"""README.md has the rule for the workers' user of Redis: it suffices, and no other key or command is open."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.dev.redis import RedisServer
from tests.nowhere import NOWHERE
from tests.processes.harness import App, state_of
from tests.waiting import eventually

from .conftest import ROOT, Run

RULE = re.search(
    r"^ACL SETUSER preppath on '>PASSWORD' (.+)$",
    (ROOT / "README.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


@dataclass(frozen=True)
class Guarded:
    """A server that lets the user of the README's rule in."""

    server: RedisServer
    admin: Redis

    @property
    def url(self) -> str:
        return f"redis://preppath:right-horse@127.0.0.1:{self.server.port}"

    def allow(self, *rules: str) -> None:
        assert RULE is not None, "README.md has no rule for the workers' user"
        self.admin.acl_log_reset()
        self.admin.execute_command(
            "ACL", "SETUSER", "preppath", "reset", "on", ">right-horse", *RULE[1].split(), *rules
        )

    def refused(self) -> list[str]:
        return [f"{entry['object']} ({entry['context']})" for entry in self.admin.acl_log()]


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    with RedisServer() as server, Redis.from_url(server.url, decode_responses=True) as admin:
        guarded = Guarded(server, admin)
        guarded.allow()
        yield guarded


def environment_of(guarded: Guarded, folder: Path) -> Mapping[str, str]:
    return {
        "REDIS_URL": guarded.url,
        **NOWHERE,
        "PLAYBOOK_RECORD": str(folder / "record"),
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "json",
        "LEASE_SECONDS": "2",
        "SHUTDOWN_GRACE": "1",
        "WEBHOOK_URL": "http://127.0.0.1:9/hook",
        "ALPHA_RATE_LIMIT": "50/1",
    }


@pytest.mark.processes
def test_workers_and_commands_can_do_all_they_have_to(guarded: Guarded, run: Run, tmp_path: Path) -> None:
    environment = environment_of(guarded, tmp_path)
    app = App(tmp_path, environment).start()
    alpha = Queue("alpha", Redis.from_url(guarded.url))
    for move in (
        {},
        {"do": "progress"},
        {"do": "fail", "how": "transient"},
        {"do": "fail", "how": "invalid"},
        {"do": "fail", "how": "limited", "after": 0.02},
        {"do": "spend", "requests": 2},
        {"do": "pay_then_die"},
    ):
        alpha.enqueue(move)
    alpha.redis.lpush(alpha.keys.wait, "rubbish", "{}")
    alpha.enqueue({"do": "sleep", "seconds": 60}, id="long")
    app.pid_of("long")
    app.kill()  # and its lease runs out
    other = App(tmp_path, environment).start()
    eventually(lambda: state_of(alpha, "long") == "active")
    eventually(lambda: alpha.statistics().get("completed", 0) >= 5)

    variables = {"REDIS_URL": guarded.url, "KEY_PREFIX": "preppath"}
    for words in (
        ("enqueue", "tts", "{}", "--id", "a"),
        ("enqueue", "tts", "{}", "--id", "d", "--delay", "90"),
        ("queues",),
        ("jobs", "tts"),
        *(("jobs", "tts", "--state", state) for state in ("active", "delayed", "failed", "completed")),
        ("show", "tts", "a"),
        ("prioritize", "tts", "a", "3"),
        ("promote", "tts", "d"),
        ("pause", "tts"),
        ("resume", "tts"),
        ("cancel", "tts", "a"),
        ("dead", "list", "--all"),
        ("dead", "replay", "--all"),
        ("dead", "purge", "--all", "--yes"),
        ("check", "--only", "redis", "--only", "data", "--fix"),
        ("health",),
    ):
        done = run(*words, **environment | variables)
        assert "NOPERM" not in done.stdout + done.stderr
        assert done.returncode in (0, 1), (words, done.stdout, done.stderr)
    assert "this user may not ask" not in run("check", "--only", "redis", **environment | variables).stdout
    assert other.stop() == 0
    assert guarded.refused() == []


def test_the_user_can_do_nothing_else(guarded: Guarded) -> None:
    client = Redis.from_url(guarded.url)
    for words in (
        ("GET", "another"),
        ("SET", "preppath:x", "1"),
        ("FLUSHALL",),
        ("CONFIG", "GET", "*"),
        ("KEYS", "*"),
        ("ACL", "LIST"),
        ("LPUSH", "another", "x"),
    ):
        with pytest.raises(Exception, match=r"permissions|NOPERM"):
            client.execute_command(*words)


def test_without_the_right_to_run_scripts_the_start_is_refused(guarded: Guarded, tmp_path: Path) -> None:
    guarded.allow("-evalsha", "-info")
    app = App(tmp_path, {**os.environ, **environment_of(guarded, tmp_path)}).launch()
    assert app.wait() == 78
    assert app.logged("Redis refuses us: check REDIS_URL and the rights of its user")
