"""How a supervisor stops, and how it takes up a new configuration."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import NewJob, Queue
from tests.support.waiting import eventually

from .conftest import Start
from .harness import is_alive, state_of

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_jobs_in_hand_are_finished_before_it_stops(launch: Start, alpha: Queue, number: int) -> None:
    app = launch().start()
    alpha.enqueue({"do": "sleep", "seconds": 1}, id="j")
    app.pid_of("j")
    children = app.children().values()
    assert app.stop(number) == 0
    assert state_of(alpha, "j") == "completed"
    assert not any(map(is_alive, children))


def test_it_leaves_nothing_behind_in_redis(
    launch: Start, alpha: Queue, redis: Redis, key_prefix: str
) -> None:
    app = launch().start()
    alpha.enqueue({}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")
    assert app.stop() == 0
    left = {key.removeprefix(alpha.keys.base) for key in redis.scan_iter(f"{key_prefix}*")}
    # A lane's pointer is dropped when the next job finds that it points at nothing.
    assert {key for key in left if "{beta}" not in key} == {
        "job:j",
        "completed",
        "stats",
        "priority_index",
        "limit",
    }
    assert redis.pttl(alpha.keys.base + "limit") > 0


def test_a_terminals_interrupt_reaches_everybody_and_still_finishes_the_jobs(
    launch: Start, alpha: Queue
) -> None:
    app = launch().start()
    alpha.enqueue({"do": "sleep", "seconds": 1}, id="j")
    app.pid_of("j")
    os.killpg(app.pid, signal.SIGINT)
    assert app.wait() == 0
    assert state_of(alpha, "j") == "completed"


def test_what_does_not_finish_in_the_grace_time_goes_back_uncounted(launch: Start, alpha: Queue) -> None:
    app = launch(SHUTDOWN_GRACE="1").start()
    alpha.enqueue({"do": "sleep", "seconds": 60}, id="j")
    app.pid_of("j")
    assert app.stop() == 0
    job = alpha.get("j")
    assert job is not None
    assert (job.state, job.attempts, job.recoveries, job.releases) == ("waiting", 0, 0, 1)


def test_a_second_signal_stops_at_once(launch: Start, alpha: Queue) -> None:
    app = launch(SHUTDOWN_GRACE="60").start()
    alpha.enqueue({"do": "sleep", "seconds": 60}, id="j")
    app.pid_of("j")
    app.send(signal.SIGTERM)
    eventually(lambda: app.logged("Supervisor stopping"))
    assert app.stop() == 0
    assert state_of(alpha, "j") == "waiting"


def test_a_job_in_hand_that_waits_for_a_token_goes_back_to_the_front(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_RATE_LIMIT="1/600", ALPHA_CONCURRENCY="1").start()
    alpha.enqueue_many([NewJob({}, id=job_id) for job_id in ("a", "b", "c")])
    eventually(lambda: alpha.redis.zcard(alpha.keys.reservations))
    assert alpha.counts().waiting == 2
    assert app.stop() == 0
    assert alpha.redis.lrange(alpha.keys.wait, 0, -1) == ["c", "b"]
    assert not alpha.redis.zcard(alpha.keys.reservations)
    assert state_of(alpha, "b") == "waiting"


def test_a_hangup_takes_up_more_and_fewer_workers_without_losing_or_repeating_a_job(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_text("ALPHA_CONCURRENCY=2\n", encoding="utf-8")
    app = launch(ENV_FILE=str(file), ALPHA_CONCURRENCY="").start()
    first = set(app.workers().values())
    jobs = [NewJob({"do": "sleep", "seconds": 0.05}, id=f"j{number}") for number in range(150)]
    alpha.enqueue_many(jobs)
    for concurrency in (4, 1):
        file.write_text(f"ALPHA_CONCURRENCY={concurrency}\n", encoding="utf-8")
        app.send(signal.SIGHUP)
        names = {f"alpha:{number}" for number in range(concurrency)} | {"beta:0"}
        eventually(lambda names=names: app.workers().keys() == names)
    eventually(lambda: not first & set(app.workers().values()))
    eventually(lambda: alpha.counts().completed == 150, deadline=20)
    assert all(app.runs(job.id) == 1 for job in jobs)
    assert not app.logged("Process died")


def test_a_wrong_configuration_leaves_the_old_one_in_force(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_text("ALPHA_CONCURRENCY=2\n", encoding="utf-8")
    app = launch(ENV_FILE=str(file), ALPHA_CONCURRENCY="").start()
    before = app.children()
    file.write_text("ALPHA_CONCURRENCY=many\n", encoding="utf-8")
    app.send(signal.SIGHUP)
    expected = "ALPHA_CONCURRENCY is wrong: expected a whole number from 1 to 1000"
    eventually(lambda: app.logged(f"Cannot reload configuration, keeping the old one: {expected}"))
    assert app.children() == before
    alpha.enqueue({}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")


@pytest.mark.parametrize(
    ("variables", "data"),
    [({"MAX_JOBS_PER_CHILD": "3"}, {}), ({"MAX_MEMORY_MB": "250"}, {"do": "grow", "mb": 90})],
    ids=["after its share of jobs", "over its memory limit"],
)
def test_workers_are_replaced_without_an_attempt_more(
    launch: Start, alpha: Queue, variables: dict[str, str], data: dict[str, object]
) -> None:
    app = launch(**variables, ALPHA_CONCURRENCY="1").start()
    first = app.workers()["alpha:0"]
    for number in range(8):
        alpha.enqueue(data, id=f"j{number}")
        # One look at the memory a second: give it the time to see each step.
        if "mb" in data:
            eventually(lambda number=number: state_of(alpha, f"j{number}") == "completed")
    eventually(lambda: alpha.counts().completed == 8)
    eventually(lambda: app.workers().get("alpha:0") != first)
    assert [app.runs(f"j{number}") for number in range(8)] == [1] * 8
    assert not app.logged("Process died")


def test_a_busy_worker_keeps_no_other_from_the_new_configuration(
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


def test_a_closed_slot_gives_back_what_its_last_worker_died_over(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_text("ALPHA_CONCURRENCY=2\n", encoding="utf-8")
    app = launch(ENV_FILE=str(file), ALPHA_CONCURRENCY="").start()
    for job_id in ("a", "b"):
        alpha.enqueue({"do": "sleep", "seconds": 3}, id=job_id)
    worker_ids = {app.pid_of(job_id): job_id for job_id in ("a", "b")}
    closed = app.workers()["alpha:1"]
    file.write_text("ALPHA_CONCURRENCY=1\n", encoding="utf-8")
    app.send(signal.SIGHUP)
    eventually(lambda: app.logged("Configuration reloaded"))
    os.kill(closed, signal.SIGKILL)
    eventually(lambda: app.runs(worker_ids[closed]) == 2)
    eventually(lambda: app.workers().keys() == {"alpha:0", "beta:0"})


def test_the_lease_is_kept_while_jobs_finish_though_the_janitor_has_died(
    launch: Start, alpha: Queue, redis: Redis
) -> None:
    app = launch(LEASE_SECONDS="2", SHUTDOWN_GRACE="20").start()
    alpha.enqueue({"do": "sleep", "seconds": 5}, id="j")
    app.pid_of("j")
    app.send(signal.SIGTERM)
    eventually(lambda: app.logged("Supervisor stopping"))
    os.kill(app.children()["janitor"], signal.SIGKILL)
    other = launch(LEASE_SECONDS="2").start()
    assert app.wait() == 0
    assert state_of(alpha, "j") == "completed"
    assert app.runs("j") == 1
    assert not other.logged("Recovered jobs of dead instance")
