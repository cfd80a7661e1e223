"""Redis goes back in time while workers run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.reading.data_loss import data_loss
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .conftest import Start

_WARNING = "Redis lost its latest writes: jobs may be missing, and finished ones may run again"

pytestmark = pytest.mark.processes


def test_restore_of_older_data_is_logged_once(launch: Start, tmp_path: Path, key_prefix: str) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(directory=folder) as server, Redis.from_url(server.url, decode_responses=True) as client:
        alpha = Queue("alpha", client, key_prefix)
        apps = [launch(REDIS_URL=server.url, LEASE_SECONDS="2").start() for _ in range(2)]
        eventually(lambda: int(client.hget(alpha.keys.meta, "epoch") or 0) > 4)
        client.save()
        shutil.copy(folder / "dump.rdb", tmp_path / "backup.rdb")
        backed_up = int(client.hget(alpha.keys.meta, "epoch") or 0)
        eventually(lambda: int(client.hget(alpha.keys.meta, "epoch") or 0) > backed_up + 6)
        assert data_loss(alpha) is None

        server.kill()
        shutil.copy(tmp_path / "backup.rdb", folder / "dump.rdb")
        server.start()

        for app in apps:
            eventually(lambda app=app: app.logged(_WARNING), deadline=20)  # type: ignore[misc]
            (line,) = app.logged(_WARNING)
            assert line["queues"] == ["alpha", "beta"]
            assert 1 < line["seconds"] < 60
        found = data_loss(alpha)
        assert found is not None
        assert "lost its latest" in str(found)
        assert "Redis lost its latest" in alpha.health().detail
        before = client.hget(alpha.keys.meta, "epoch")
        eventually(lambda: int(client.hget(alpha.keys.meta, "epoch") or 0) > int(before or 0) + 4)
        assert all(len(app.logged(_WARNING)) == 1 for app in apps)
