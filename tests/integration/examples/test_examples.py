"""The example programs of tests/examples, each run with its real client."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

import tests.examples
from preppath_workers.queue import Queue
from preppath_workers.queue.contract import SCRIPTS
from preppath_workers.store.consuming.outcome import Completed, Finished
from tests.integration.cli.slots import open_consumer, take
from tests.support.waiting import eventually

FOLDER = Path(tests.examples.__file__).parent

#: Each program: how it is started, and how to see whether its client is there.
PROGRAMS = {
    "node/ioredis.js": ("node", ["node", "-e", "require('ioredis')"], "npm ci, in tests/examples/node"),
    "node/node_redis.js": ("node", ["node", "-e", "require('redis')"], "npm ci, in tests/examples/node"),
    "ruby/redis_rb.rb": ("ruby", ["ruby", "-e", "require 'redis'"], "apt-get install ruby-redis"),
    "shell/redis_cli.sh": ("sh", ["redis-cli", "--version"], "apt-get install redis-tools"),
}


def skip_without(program: Path, check: list[str], remedy: str) -> None:
    """Skip the test if the program's client is not installed."""
    found = (
        shutil.which(check[0])
        and not subprocess.run(
            check, cwd=program.parent, capture_output=True, check=False, timeout=30
        ).returncode
    )
    if not found:
        pytest.skip(f"{program.name} has no client here: {remedy}")


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A folder with the scripts as the command prints them."""
    for name, script in SCRIPTS.items():
        (tmp_path / f"{name}.lua").write_text(script.text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def producer_url(redis: Redis, redis_url: str, key_prefix: str) -> Iterator[str]:
    """The server, for a user with the rights that systemd/README.md gives, and no others."""
    document = (FOLDER.parents[1] / "systemd/README.md").read_text(encoding="utf-8")
    rule = re.search(r"^ACL SETUSER preppath on '>PASSWORD' (.+)$", document, re.MULTILINE)
    assert rule
    words = rule[1].replace("~preppath:", f"~{key_prefix}:").split()
    redis.execute_command("ACL", "SETUSER", key_prefix, "reset", "on", ">secret", *words)
    yield redis_url.replace("://", f"://{key_prefix}:secret@", 1)
    redis.acl_deluser(key_prefix)


@pytest.mark.parametrize(
    "name",
    [
        "shell/redis_cli.sh",
        *(pytest.param(name, marks=pytest.mark.trial) for name in PROGRAMS if not name.startswith("shell/")),
    ],
)
def test_example_with_the_least_rights_adds_awaits_and_cancels_jobs(
    redis: Redis, redis_url: str, producer_url: str, key_prefix: str, scripts: Path, name: str
) -> None:
    program = FOLDER / name
    interpreter, check, remedy = PROGRAMS[name]
    skip_without(program, check, remedy)
    queue = Queue("tts", redis, key_prefix)

    process = subprocess.Popen(
        [interpreter, program],
        cwd=scripts,
        env={**os.environ, "REDIS_URL": producer_url, "KEY_PREFIX": key_prefix},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        eventually(lambda: redis.hexists(queue.keys.job("q1-v1"), "awaited"), deadline=30)
        consumer = open_consumer(redis_url, key_prefix, "tts")
        consumer.settle(Finished(take(consumer), Completed('{"bytes":3}'), 1))
        consumer.disconnect()
        printed, _ = process.communicate(timeout=20)

    yes, no = ("1", "0") if interpreter == "sh" else ("true", "false")
    assert process.returncode == 0
    assert printed.splitlines() == [
        *(f"added {yes}", f"added {no}", "state waiting"),
        *('completed {"bytes":3}', "cancelled"),
    ]
    job = queue.get("q1-v1")
    assert job
    assert (job.data, job.priority) == ({"questionId": "q1", "text": "Why?"}, 1)
    if interpreter == "sh":
        queue.call("promote_due", 100)
        assert [queue.ref(raw).status().state for raw in ("q3-v1", "q4-v1")] == ["waiting", "delayed"]
