"""How a supervisor stops, and how it reloads its configuration."""

from __future__ import annotations

import os
import pty
import signal
import sys
import time
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import NewJob, Queue
from tests.support.process import ROOT
from tests.support.waiting import eventually

from .conftest import Start
from .harness import App, is_alive, state_of

pytestmark = [pytest.mark.processes, pytest.mark.long]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_supervisor_on_a_stop_signal_finishes_active_jobs(launch: Start, alpha: Queue, number: int) -> None:
    app = launch().start()
    alpha.enqueue({"do": "sleep", "seconds": 1}, id="j")
    app.pid_of("j")
    processes = app.processes().values()
    assert app.stop(number) == 0
    assert state_of(alpha, "j") == "completed"
    assert not any(map(is_alive, processes))


def test_supervisor_that_stopped_leaves_only_results_in_redis(
    launch: Start, alpha: Queue, redis: Redis, key_prefix: str
) -> None:
    app = launch().start()
    alpha.enqueue({}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")
    assert app.stop() == 0
    left = {key.removeprefix(alpha.keys.base) for key in redis.scan_iter(f"{key_prefix}*")}
    # The history is there if a minute ended meanwhile, the index if the job came before its slot waited.
    assert {key for key in left if "{beta}" not in key} - {"history", "priority_index"} == {
        "job:j",
        "durations",
        "meta",
        "completed",
        "stats",
        "limit",
    }
    assert redis.pttl(alpha.keys.base + "limit") > 0


def test_supervisor_on_an_interrupt_of_its_group_finishes_active_jobs(launch: Start, alpha: Queue) -> None:
    app = launch().start()
    alpha.enqueue({"do": "sleep", "seconds": 1}, id="j")
    app.pid_of("j")
    os.killpg(app.pid, signal.SIGINT)
    assert app.wait() == 0
    assert state_of(alpha, "j") == "completed"


@pytest.mark.trial
@pytest.mark.parametrize("starter", ["", "nohup"])
def test_supervisor_whose_terminal_is_closed_stops_unless_it_was_started_with_nohup(
    alpha: Queue, environment: dict[str, str], starter: str
) -> None:
    command = f"exec {starter} {sys.executable} -m tests.integration.worker.app >/dev/null 2>&1"
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(ROOT)
        os.execve("/bin/sh", ["sh", "-c", command], {**os.environ, **environment})  # noqa: S606
    eventually(lambda: alpha.counts().workers == 2, deadline=30)
    os.close(terminal)
    if starter:
        time.sleep(1)
        assert is_alive(pid)
        os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_job_that_outlasts_the_grace_time_is_requeued_uncounted(launch: Start, alpha: Queue) -> None:
    app = launch(SHUTDOWN_GRACE="1").start()
    alpha.enqueue({"do": "sleep", "seconds": 60}, id="j")
    app.pid_of("j")
    assert app.stop() == 0
    job = alpha.get("j")
    assert job is not None
    assert (job.state, job.attempts, job.recoveries, job.releases) == ("waiting", 0, 0, 1)


def test_supervisor_on_second_sigterm_requeues_active_jobs_at_once(launch: Start, alpha: Queue) -> None:
    app = launch(SHUTDOWN_GRACE="60").start()
    alpha.enqueue({"do": "sleep", "seconds": 60}, id="j")
    app.pid_of("j")
    assert app.stop_at_once() == 0
    assert state_of(alpha, "j") == "waiting"


def test_supervisor_on_a_stop_signal_that_arrives_twice_finishes_active_jobs(
    launch: Start, alpha: Queue
) -> None:
    """`timeout` sends its signal to the process and to its group, `npm` passes on the terminal's."""
    app = launch(SHUTDOWN_GRACE="60").start()
    alpha.enqueue({"do": "sleep", "seconds": 1}, id="j")
    app.pid_of("j")
    app.send(signal.SIGINT)
    app.send(signal.SIGTERM)
    assert app.wait() == 0
    assert state_of(alpha, "j") == "completed"


def test_reserved_job_on_sigterm_is_requeued_at_the_front(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_RATE_LIMIT="1/600", ALPHA_CONCURRENCY="1").start()
    alpha.enqueue_many([NewJob({}, id=job_id) for job_id in ("a", "b", "c")])
    eventually(lambda: alpha.redis.zcard(alpha.keys.reservations))
    assert alpha.counts().waiting == 2
    assert app.stop() == 0
    assert alpha.redis.lrange(alpha.keys.wait, 0, -1) == ["c", "b"]
    assert not alpha.redis.zcard(alpha.keys.reservations)
    assert state_of(alpha, "b") == "waiting"


def test_supervisor_on_sighup_changes_its_workers_and_runs_each_job_once(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_text("ALPHA_CONCURRENCY=2\n", encoding="utf-8")
    app = launch(ENV_FILE=str(file), ALPHA_CONCURRENCY="").start()
    first = set(app.workers().values())
    jobs = [NewJob({"do": "sleep", "seconds": 0.05}, id=f"j{number}") for number in range(60)]
    alpha.enqueue_many(jobs)
    for concurrency in (4, 1):
        file.write_text(f"ALPHA_CONCURRENCY={concurrency}\n", encoding="utf-8")
        app.send(signal.SIGHUP)
        names = {f"alpha:{number}" for number in range(concurrency)} | {"beta:0"}
        eventually(lambda names=names: app.workers().keys() == names)
    eventually(lambda: not first & set(app.workers().values()))
    eventually(lambda: alpha.counts().completed == 60, deadline=60)
    assert all(app.runs(job.id) == 1 for job in jobs)
    assert not app.logged("Process died")


def refuse_reload(app: App, alpha: Queue, file: Path, first: str, changed: str, reason: str) -> None:
    """Start with a file of variables, change it, and check that the reload is refused and work goes on."""
    file.write_text(f"{first}\n", encoding="utf-8")
    app.start()
    before = app.processes()
    file.write_text(f"{changed}\n", encoding="utf-8")
    app.send(signal.SIGHUP)
    eventually(lambda: app.logged(f"Cannot reload configuration, keeping the old one: {reason}"))
    assert app.processes() == before
    alpha.enqueue({}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")


def test_supervisor_on_sighup_with_a_wrong_configuration_keeps_the_old_one(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    expected = "ALPHA_CONCURRENCY is wrong: expected a whole number from 1 to 1000"
    app = launch(ENV_FILE=str(tmp_path / "env"), ALPHA_CONCURRENCY="")
    refuse_reload(app, alpha, tmp_path / "env", "ALPHA_CONCURRENCY=2", "ALPHA_CONCURRENCY=many", expected)


def test_supervisor_on_sighup_with_another_redis_keeps_the_old_one(
    launch: Start, alpha: Queue, tmp_path: Path, redis_url: str
) -> None:
    """Its running jobs would lose their lease, and run again elsewhere."""
    expected = "REDIS_URL or KEY_PREFIX leads to other queues: restart to change it"
    app = launch(ENV_FILE=str(tmp_path / "env"), REDIS_URL="")
    changed = "REDIS_URL=redis://127.0.0.1:1"
    refuse_reload(app, alpha, tmp_path / "env", f"REDIS_URL={redis_url}", changed, expected)


def test_supervisor_on_sighup_with_credentials_that_redis_refuses_goes_back_to_the_old_ones(
    launch: Start, alpha: Queue, tmp_path: Path, redis_url: str
) -> None:
    file = tmp_path / "env"
    file.write_text(f"REDIS_URL={redis_url}\n", encoding="utf-8")
    app = launch(ENV_FILE=str(file), REDIS_URL="").start()
    before = app.workers()
    file.write_text(f"REDIS_URL={redis_url.replace('://', '://no-user:no-password@')}\n", encoding="utf-8")
    app.send(signal.SIGHUP)
    reason = "janitor cannot work with the new one"
    eventually(lambda: app.logged(f"Cannot reload configuration, going back to the old one: {reason}"))
    eventually(lambda: not set(before.values()) & set(app.workers().values()))
    alpha.enqueue({}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")
    assert app.stop() == 0


def test_supervisor_on_sighup_with_a_busy_worker_replaces_the_others(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_text("ALPHA_CONCURRENCY=2\n", encoding="utf-8")
    app = launch(ENV_FILE=str(file), ALPHA_CONCURRENCY="").start()
    before = app.workers()
    alpha.enqueue({"do": "sleep", "seconds": 60}, id="j")
    busy = app.pid_of("j")
    app.send(signal.SIGHUP)
    eventually(lambda: [name for name, pid in app.workers().items() if before[name] == pid] == [
        name for name, pid in before.items() if pid == busy
    ])  # fmt: skip


def test_closed_slot_whose_worker_was_killed_requeues_its_job(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_text("ALPHA_CONCURRENCY=2\n", encoding="utf-8")
    app = launch(ENV_FILE=str(file), ALPHA_CONCURRENCY="").start()
    for job_id in ("a", "b"):
        alpha.enqueue({"do": "sleep", "seconds": 2}, id=job_id)
    worker_ids = {app.pid_of(job_id): job_id for job_id in ("a", "b")}
    closed = app.workers()["alpha:1"]
    file.write_text("ALPHA_CONCURRENCY=1\n", encoding="utf-8")
    app.send(signal.SIGHUP)
    eventually(lambda: app.logged("Configuration reloaded"))
    os.kill(closed, signal.SIGKILL)
    eventually(lambda: app.runs(worker_ids[closed]) == 2)
    eventually(lambda: app.workers().keys() == {"alpha:0", "beta:0"})


def test_lease_during_a_stop_is_renewed_after_the_janitors_death(
    launch: Start, alpha: Queue, redis: Redis
) -> None:
    app = launch(LEASE_SECONDS="3", SHUTDOWN_GRACE="20").start()
    alpha.enqueue({"do": "sleep", "seconds": 4.5}, id="j")
    app.pid_of("j")
    app.send(signal.SIGTERM)
    eventually(lambda: app.logged("Supervisor stopping"))
    os.kill(app.processes()["janitor"], signal.SIGKILL)
    other = launch(LEASE_SECONDS="3").start()
    assert app.wait() == 0
    assert state_of(alpha, "j") == "completed"
    assert app.runs("j") == 1
    assert not other.logged("Recovered jobs of dead instance")
