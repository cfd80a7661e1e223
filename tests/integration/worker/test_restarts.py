"""Restarts leave nothing behind. `RESTARTS` sets how many."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue
from tests.support.waiting import eventually

from .conftest import Start
from .harness import App, state_of

RESTARTS = int(os.environ.get("RESTARTS", "4"))

pytestmark = [pytest.mark.processes, pytest.mark.long, pytest.mark.timeout(120 + 10 * RESTARTS)]


def stop(app: App, job_id: str) -> None:
    app.pid_of(job_id)
    assert app.stop() == 0


def stop_twice(app: App, job_id: str) -> None:
    app.pid_of(job_id)
    assert app.stop_at_once() == 0


def kill(app: App, job_id: str) -> None:
    app.pid_of(job_id)
    app.kill()


def kill_a_worker_and_stop(app: App, job_id: str) -> None:
    os.kill(app.pid_of(job_id), signal.SIGKILL)
    eventually(lambda: app.logged("Process died"))
    assert app.stop() == 0


ENDINGS: tuple[Callable[[App, str], None], ...] = (stop, kill, stop_twice, kill_a_worker_and_stop)


def sessions() -> dict[int, int]:
    """The session of each process on this machine, zombies included."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[3])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@pytest.mark.parametrize(
    "endings",
    [
        (kill_a_worker_and_stop,),
        pytest.param(tuple(islice(cycle(ENDINGS), RESTARTS)), marks=pytest.mark.trial),
    ],
    ids=["one", "all"],
)
def test_instances_after_any_ending_leave_no_process_file_or_key(
    launch: Start,
    alpha: Queue,
    redis: Redis,
    key_prefix: str,
    tmp_path: Path,
    endings: Sequence[Callable[[App, str], None]],
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    started, jobs = [], []
    for number, ending in enumerate(endings):
        app = launch(TMPDIR=str(temporary), LEASE_SECONDS="2", ALPHA_RECOVERIES="100").launch()
        started.append(app.pid)
        jobs.append(f"j{number}")
        seconds = 2 if ending is stop_twice else 0.2
        alpha.enqueue({"do": "sleep", "seconds": seconds}, id=jobs[-1], priority=1)
        ending(app, jobs[-1])

    last = launch(TMPDIR=str(temporary), LEASE_SECONDS="2").start()
    eventually(lambda: {state_of(alpha, job_id) for job_id in jobs} == {"completed"})
    # Dead instances are unregistered some time after their jobs were recovered.
    eventually(lambda: redis.zcard(alpha.keys.instances) == 1, deadline=60)
    assert last.stop() == 0

    eventually(lambda: not {*started, last.pid} & {*sessions().values()})
    assert list(temporary.rglob("*")) == []
    left = {key.removeprefix(f"{key_prefix}:") for key in redis.scan_iter(f"{key_prefix}*")}
    assert left - {f"{{alpha}}:job:{job_id}" for job_id in jobs} <= {
        "{alpha}:completed", "{alpha}:stats", "{alpha}:priority_index", "{beta}:stats",
        "{alpha}:limit", "{beta}:limit", "{alpha}:meta", "{beta}:meta",
        "{alpha}:durations", "{alpha}:history", "{beta}:history",
    }  # fmt: skip


def test_supervisor_after_many_replacements_holds_no_more_files_or_memory(launch: Start) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()

    def holds() -> tuple[int, int]:
        """The number of open files and of memory mappings."""
        process = Path(f"/proc/{app.pid}")
        return len(list((process / "fd").iterdir())), len((process / "maps").read_text().splitlines())

    def replace() -> None:
        before = app.processes()
        app.send(signal.SIGHUP)
        eventually(lambda: len({*app.processes().values()} - {*before.values()}) == len(before))

    for _ in range(2):
        replace()
    files, mappings = holds()
    for _ in range(RESTARTS):
        replace()

    eventually(lambda: len(app.processes()) == 3)
    eventually(lambda: holds()[0] == files)
    assert holds()[1] <= mappings + 3
