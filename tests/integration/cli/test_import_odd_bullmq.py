"""`import-bullmq` on a queue with entries that BullMQ would not have made: the others are taken."""

from __future__ import annotations

import json

import pytest
from redis import Redis

from preppath_workers import Queue

from .conftest import Run


def test_import_with_odd_entries_takes_the_others_and_lists_them(run: Run, redis: Redis, tts: Queue) -> None:
    job = {"name": "speak", "data": '{"n":1}'}
    redis.hset("bull:speech:meta", mapping={"paused": "1", "version": "bullmq:5.0.0"})
    redis.lpush("bull:speech:wait", "a-text", b"\xff", "plain")
    redis.set("bull:speech:a-text", "not a hash")
    redis.hset(b"bull:speech:\xff", mapping=job)
    redis.hset("bull:speech:plain", mapping=job)
    redis.zadd("bull:speech:delayed", {"never": float("inf")})
    redis.hset("bull:speech:never", mapping=job)
    redis.zadd("bull:speech:failed", {"always": float("-inf")})
    redis.hset("bull:speech:always", mapping=job)

    for arguments in (["--dry-run"], [], ["--remove"]):
        imported = run("import-bullmq", "tts", "--from", "speech", *arguments)
        assert imported.returncode == 0, imported.stderr
        assert "1 no job of that id (a-text)" in imported.stdout
        assert "1 data or delay is not allowed here (never)" in imported.stdout

    waiting, dead = tts.jobs("waiting"), tts.jobs("failed")
    assert [(found.id[:8], found.data) for found in waiting] == [("bullmq-_", {"n": 1}), ("plain", {"n": 1})]
    assert [found.id for found in dead] == ["always"]
    assert not redis.exists("bull:speech:plain", b"bull:speech:\xff", "bull:speech:always")


def test_import_of_names_with_control_characters_prints_json(run: Run, redis: Redis) -> None:
    redis.hset("bull:speech:meta", mapping={"paused": "1"})
    redis.lpush("bull:speech:wait", "1")
    redis.hset("bull:speech:1", mapping={"name": "a\x7f\x9b", "data": "{}"})
    imported = run("import-bullmq", "tts", "--from", "speech", "--dry-run", "--json")
    assert "\x9b" not in imported.stdout
    assert json.loads(imported.stdout)["names"] == {"a\x7f\x9b": 1}


@pytest.mark.parametrize("name", ["wait", "delayed", "repeat", "meta"])
def test_import_of_a_list_of_another_type_names_its_key(run: Run, redis: Redis, name: str) -> None:
    redis.hset("bull:speech:meta", mapping={"paused": "1"})
    redis.delete(f"bull:speech:{name}")
    redis.set(f"bull:speech:{name}", "text")
    refused = run("import-bullmq", "tts", "--from", "speech", "--dry-run")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (69, 1)
    assert "WRONGTYPE" in refused.stderr
    assert refused.stderr.endswith(f": bull:speech:{name}\n")
