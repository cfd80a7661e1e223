"""A backup of Redis is restored as systemd/README.md says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes


def test_dump_is_restored_with_appendonly_off_first(tmp_path: Path) -> None:
    folder, dump = tmp_path / "redis", tmp_path / "dump.rdb"
    folder.mkdir()

    def server(appendonly: str) -> RedisServer:
        return RedisServer(directory=folder, settings={"appendonly": appendonly})

    with server("yes") as running, Redis.from_url(running.url) as client:
        Queue("tts", client).enqueue({"n": 1}, id="in-the-backup")
        client.bgsave()
        eventually(lambda: (folder / "dump.rdb").exists())
        shutil.copy(folder / "dump.rdb", dump)
        Queue("tts", client).enqueue({"n": 2}, id="later")
    (aof,) = folder.glob("appendonly*")  # a file before Redis 7
    aof.rename(tmp_path / "away")
    shutil.copy(dump, folder / "dump.rdb")
    with server("no") as running, Redis.from_url(running.url) as client:
        client.config_set("appendonly", "yes")
        eventually(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
        assert aof.exists()
    with server("yes") as running, Redis.from_url(running.url) as client:
        tts = Queue("tts", client)
        assert tts.get("later") is None
        job = tts.get("in-the-backup")
        assert job is not None
        assert (job.state, job.data) == ("waiting", {"n": 1})
