"""The Redis user of systemd/README.md may do all that the workers need, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
from asyncio import run as run_async
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis, asyncio

from preppath_workers import AsyncQueue, Queue
from tests.integration.web.conftest import start_site
from tests.integration.worker.harness import App, state_of
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.process import ROOT
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .conftest import Run

RULE = re.search(
    r"^ACL SETUSER preppath on '>PASSWORD' (.+)$",
    (ROOT / "systemd/README.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


@dataclass(frozen=True)
class Guarded:
    """A server with the Redis user of the README's rule."""

    server: RedisServer
    admin: Redis

    @property
    def url(self) -> str:
        return f"redis://preppath:right-horse@127.0.0.1:{self.server.port}"

    def allow(self, *rules: str) -> None:
        assert RULE is not None, "systemd/README.md has no rule for the workers' user"
        self.admin.acl_log_reset()
        self.admin.execute_command(
            "ACL", "SETUSER", "preppath", "reset", "on", ">right-horse", *RULE[1].split(), *rules
        )

    def refused(self) -> list[str]:
        return [f"{entry['object']} ({entry['context']})" for entry in self.admin.acl_log()]


class Redis70(RedisServer):
    """The Redis that is installed on this machine, such as Debian's 7.0."""

    def command(self) -> Sequence[str]:
        return ["redis-server", *super().command()[1:]]


HAS_REDIS_SERVER = shutil.which("redis-server") is not None

SERVERS = [
    RedisServer,
    pytest.param(
        Redis70,
        marks=[pytest.mark.trial, pytest.mark.skipif(not HAS_REDIS_SERVER, reason="no redis-server")],
    ),
]


#: Commands of operators and of producers in the shell.
COMMANDS = (
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
    ("enqueue", "tts", "{}", "--id", "e", "--expires", "90", "--group", "g", "--group-size", "2"),
    ("group", "tts", "g"),
    ("group", "tts", "g", "--close"),
    ("cancel", "tts", "--state", "waiting", "--where", "userId=u1"),
    ("top", "--once"),
    ("costs", "--by", "user"),
    ("costs", "--caps"),
    ("costs", "--unknown"),
    ("costs", "--resolve", "01M8DG8DZ3NX3DQVHZ7GJX4P5T", "--cost", "0"),
    ("dead", "list", "--all"),
    ("dead", "show", "tts"),
    ("retry", "tts", "a"),
    ("dead", "replay", "--all"),
    ("dead", "purge", "--all", "--yes"),
    ("check", "--only", "redis", "--only", "data", "--fix"),
    ("health",),
)


@pytest.fixture(params=SERVERS)
def guarded(request: pytest.FixtureRequest) -> Iterator[Guarded]:
    with request.param() as server, Redis.from_url(server.url, decode_responses=True) as admin:
        guarded = Guarded(server, admin)
        guarded.allow()
        yield guarded


@pytest.fixture
def launch(guarded: Guarded, tmp_path: Path) -> Iterator[Callable[..., App]]:
    """Make supervisors, not yet started; kill them after the test."""
    apps: list[App] = []

    def make(environment: Mapping[str, str]) -> App:
        folder = tmp_path / f"app{len(apps)}"
        folder.mkdir()
        apps.append(App(folder, environment))
        return apps[-1]

    yield make
    for app in apps:
        app.kill()


def environment_of(guarded: Guarded, folder: Path) -> Mapping[str, str]:
    return {
        "REDIS_URL": guarded.url,
        **MINIMAL_ENV,
        "HANDLER_RECORD": str(folder / "record"),
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "json",
        "LEASE_SECONDS": "2",
        "SHUTDOWN_GRACE": "1",
        "WEBHOOK_URL": "http://127.0.0.1:9/hook",
        "ALPHA_RATE_LIMIT": "50/1",
        "BUDGET_USER_DAY": "5",
    }


@pytest.mark.processes
def test_acl_rule_of_the_readme_allows_every_command_of_workers_and_cli(
    guarded: Guarded, run: Run, launch: Callable[..., App], tmp_path: Path
) -> None:
    environment = environment_of(guarded, tmp_path) | {"BUDGET_USER_DAY": "1", "ALPHA_TOKENS_PER_MINUTE": "9"}
    alpha = Queue("alpha", Redis.from_url(guarded.url, driver_info=None, protocol=2))
    alpha.redis.hset(alpha.keys.capped, "gone", "5 user u1")
    app = launch(environment).start()
    eventually(lambda: not alpha.redis.exists(alpha.keys.capped))
    for data in (
        {},
        {"do": "progress"},
        {"do": "fail", "how": "transient"},
        {"do": "fail", "how": "invalid"},
        {"do": "fail", "how": "limited", "after": 0.02},
        {"do": "acquire_tokens", "requests": 2},
        {"do": "pay_then_die"},
    ):
        alpha.enqueue(data)
    alpha.redis.lpush(alpha.keys.wait, "rubbish", "{}")
    alpha.enqueue({"do": "sleep", "seconds": 60}, id="long")
    app.pid_of("long")
    app.kill()  # then its lease expires
    other = launch(environment).start()
    eventually(lambda: state_of(alpha, "long") == "active")
    eventually(lambda: alpha.statistics().get("completed", 0) >= 5)
    assert alpha.cancel("long", running=True) == "cancelling"

    variables = {"REDIS_URL": guarded.url, "KEY_PREFIX": "preppath"}
    for words in COMMANDS:
        done = run(*words, **environment | variables)
        assert "NOPERM" not in done.stdout + done.stderr
        assert done.returncode in (0, 1), (words, done.stdout, done.stderr)
    assert "this user may not ask" not in run("check", "--only", "redis", **environment | variables).stdout
    assert other.stop() == 0
    assert guarded.refused() == []


def test_acl_rule_of_the_readme_allows_the_web_process_and_asyncio(guarded: Guarded, tmp_path: Path) -> None:
    tts = Queue("tts", guarded.admin)
    tts.enqueue({}, id="a")
    tts.enqueue({}, id="d", delay=90)
    site = start_site((), {"REDIS_URL": guarded.url}, tmp_path / "web.log")
    try:
        for path in (
            *("/", "/queues/tts", "/queues/tts?state=delayed", "/queues/tts/jobs/a", "/queues/tts/dead"),
            *(
                "/find?id=a",
                "/costs",
                "/metrics",
                "/readyz",
                "/api/v1/queues",
                "/api/v1/queues/tts/jobs?userId=u1",
            ),
        ):
            assert site.get(path).status_code == 200, path
        for path, body in (
            ("/api/v1/jobs/tts", {"data": {}, "id": "b", "delay": 60, "expires": 90, "group": "g"}),
            ("/api/v1/jobs/tts/a/cancel", {}),
            ("/api/v1/queues/tts/pause", {}),
            ("/api/v1/queues/tts/resume", {}),
            ("/api/v1/queues/tts/dead/replay", {"all": True}),
            ("/api/v1/queues/tts/dead/purge", {"all": True}),
        ):
            assert site.post(path, body).ok, path
        assert "event: cancelled" in site.get("/api/v1/jobs/tts/a/events").text
    finally:
        site.process.terminate()
        site.process.wait(30)

    async def produce() -> None:
        async with AsyncQueue(
            "tts", asyncio.Redis.from_url(guarded.url, driver_info=None, protocol=2)
        ) as queue:
            ref = await queue.enqueue({}, group="g")
            await queue.close_group("g")
            assert await ref.cancel(running=True) == "cancelled"

    run_async(produce())
    assert guarded.refused() == []


def test_acl_rule_of_the_readme_refuses_other_keys_and_commands(guarded: Guarded) -> None:
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


def test_acl_rule_of_the_readme_has_every_command_of_the_scripts() -> None:
    assert RULE is not None
    scripts = "".join(path.read_text() for path in (ROOT / "preppath_workers/store/lua").rglob("*.lua"))
    used = set(re.findall(r"redis\.p?call\('([A-Z]+)'", scripts))
    assert {f"+{command.lower()}" for command in used} <= set(RULE[1].split())


@pytest.mark.parametrize("program", ["valkey", *(["redis"] if HAS_REDIS_SERVER else [])])
@pytest.mark.parametrize("form", ["CONFIG REWRITE", "ACL SAVE", "user line"])
def test_acl_user_stored_as_documented_survives_a_restart(tmp_path: Path, program: str, form: str) -> None:
    """The rule is stored in the server's configuration or in its ACL file, as the README says."""
    assert RULE is not None
    words = ["on", ">right-horse", *RULE[1].split()]
    conf, users = tmp_path / "redis.conf", tmp_path / "users.acl"
    users.touch()
    lines = {"ACL SAVE": f"aclfile {users}\n", "user line": f"user preppath {' '.join(words)}\n"}
    conf.write_text(lines.get(form, ""), encoding="utf-8")

    class WithFile(Redis70 if program == "redis" else RedisServer):  # type: ignore[misc]
        def command(self) -> Sequence[str]:
            name, *options = super().command()
            return [name, str(conf), *options]

    if form != "user line":
        with WithFile(directory=tmp_path) as server, Redis.from_url(server.url) as admin:
            admin.execute_command("ACL", "SETUSER", "preppath", *words)
            admin.execute_command(*form.split())
    with WithFile(directory=tmp_path) as server:
        user = Redis.from_url(f"redis://preppath:right-horse@127.0.0.1:{server.port}", driver_info=None)
        assert user.ping()
        with pytest.raises(Exception, match=r"permissions|NOPERM"):
            user.flushall()


def test_supervisor_without_the_right_to_run_scripts_exits_with_78(
    guarded: Guarded, launch: Callable[..., App], tmp_path: Path
) -> None:
    guarded.allow("-evalsha", "-info")
    app = launch({**os.environ, **environment_of(guarded, tmp_path)}).launch()
    assert app.wait() == 78
    assert app.logged("Redis rejects the credentials: check REDIS_URL and the permissions of its user")
