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
from .harness import App, state_of

_WARNING = "Redis lost its latest writes: jobs may be missing, and finished ones may run again"

pytestmark = pytest.mark.processes


def lost(app: App) -> list[str]:
    """Return the queues that the app has warned of, in all lines: a busy instance may write one for each."""
    return sorted(queue for line in app.logged(_WARNING) for queue in line["queues"])


def test_restore_of_older_data_is_logged_once(launch: Start, tmp_path: Path, key_prefix: str) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(directory=folder) as server, Redis.from_url(server.url, decode_responses=True) as client:
        alpha, beta = (Queue(name, client, key_prefix) for name in ("alpha", "beta"))

        def epoch() -> int:
            return min(int(client.hget(queue.keys.meta, "epoch") or 0) for queue in (alpha, beta))

        apps = [launch(REDIS_URL=server.url, LEASE_SECONDS="2").start() for _ in range(2)]
        eventually(lambda: epoch() > 4, deadline=30)
        client.save()
        shutil.copy(folder / "dump.rdb", tmp_path / "backup.rdb")
        backed_up = epoch()
        eventually(lambda: epoch() > backed_up + 6, deadline=30)
        assert data_loss(alpha) is None

        server.kill()
        shutil.copy(tmp_path / "backup.rdb", folder / "dump.rdb")
        server.start()

        for app in apps:
            eventually(lambda app=app: lost(app) == ["alpha", "beta"], deadline=30)  # type: ignore[misc]
            assert all(1 < line["seconds"] < 60 for line in app.logged(_WARNING))
        found = data_loss(alpha)
        assert found is not None
        assert "lost its latest" in str(found)
        assert "Redis lost its latest" in alpha.health().detail
        before = epoch()
        eventually(lambda: epoch() > before + 4, deadline=30)
        assert [lost(app) for app in apps] == [["alpha", "beta"]] * 2


@pytest.mark.parametrize(
    ("check", "message"),
    [(False, "Outcome discarded: the job is gone from Redis"), (True, "Job is gone from Redis")],
    ids=["at its end", "while it runs"],
)
def test_loss_of_a_running_job_is_logged_as_such(
    launch: Start, tmp_path: Path, key_prefix: str, check: bool, message: str
) -> None:
    flushed = tmp_path / "flushed"
    with RedisServer() as server, Redis.from_url(server.url, decode_responses=True) as client:
        alpha = Queue("alpha", client, key_prefix)
        app = launch(REDIS_URL=server.url, ALPHA_CONCURRENCY="1").start()
        alpha.enqueue({"do": "await", "file": str(flushed), "check": check}, id="j")
        app.pid_of("j")
        client.flushall()
        flushed.touch()
        eventually(lambda: app.logged(message))
        alpha.enqueue({}, id="next")
        eventually(lambda: state_of(alpha, "next") == "completed")
        assert not app.logged("Job lost to another worker")
