"""Redis restarts, drops connections and forgets scripts: no outcome is lost, no job repeated."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .conftest import Start
from .harness import is_alive, state_of

pytestmark = [pytest.mark.processes, pytest.mark.long]


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that writes each command to disk before it answers."""
    with RedisServer(settings={"appendonly": "yes", "appendfsync": "always"}) as server:
        yield server


def test_outcome_during_a_redis_outage_is_settled_when_redis_is_back(
    launch: Start, durable: RedisServer, key_prefix: str
) -> None:
    app = launch(REDIS_URL=durable.url, ALPHA_CONCURRENCY="1").start()
    alpha = Queue("alpha", Redis.from_url(durable.url, decode_responses=True), key_prefix)
    alpha.enqueue({"do": "sleep", "seconds": 0.5}, id="j")
    alpha.enqueue({}, id="next")
    app.pid_of("j")
    durable.kill()
    eventually(lambda: app.records("end"))
    durable.start()
    eventually(lambda: state_of(alpha, "next") == "completed")
    assert state_of(alpha, "j") == "completed"
    assert (app.runs("j"), app.runs("next")) == (1, 1)
    away = [line for line in app.logged("Redis does not answer, retrying") if line["pid"] == app.pid_of("j")]
    assert len(away) == 1


@pytest.mark.trial
def test_outcome_of_a_worker_that_is_replaced_during_a_redis_outage_is_settled(
    launch: Start, durable: RedisServer, key_prefix: str
) -> None:
    app = launch(REDIS_URL=durable.url, ALPHA_CONCURRENCY="1", MAX_JOBS_PER_CHILD="1").start()
    alpha = Queue("alpha", Redis.from_url(durable.url, decode_responses=True), key_prefix)
    alpha.enqueue({"do": "sleep", "seconds": 0.5}, id="j")
    worker = app.pid_of("j")
    durable.kill()
    eventually(lambda: app.records("end"))
    time.sleep(8)  # longer than a worker that is stopped tries to settle
    assert is_alive(worker)
    durable.start()
    eventually(lambda: state_of(alpha, "j") == "completed")
    eventually(lambda: not is_alive(worker))
    assert app.runs("j") == 1


@pytest.mark.trial
def test_stop_during_a_redis_outage_tells_a_finished_job_from_an_idle_slot(
    launch: Start, durable: RedisServer, key_prefix: str
) -> None:
    # Longer than a worker tries to settle, or it may be killed before it says that it could not.
    app = launch(REDIS_URL=durable.url, ALPHA_CONCURRENCY="1", SHUTDOWN_GRACE="30").start()
    alpha = Queue("alpha", Redis.from_url(durable.url, decode_responses=True), key_prefix)
    alpha.enqueue({"do": "sleep", "seconds": 0.5}, id="j")
    app.pid_of("j")
    durable.kill()
    eventually(lambda: app.records("end"))
    assert app.stop() == 0
    [unsettled] = app.logged("Cannot settle the last job before exit, it may run again")
    assert unsettled["jobId"] == "j"
    assert (
        app.logged("Cannot release the slot before exit, what it may hold is requeued later")[0]["queue"]
        == "beta"
    )
    assert not app.logged("Process died")


@pytest.mark.trial
@pytest.mark.timeout(120)
def test_redis_outage_longer_than_the_lease_recovers_no_live_instance(
    launch: Start, durable: RedisServer, key_prefix: str
) -> None:
    """Every lease has expired by then; the first janitor back must not take the others for dead."""
    apps = [launch(REDIS_URL=durable.url, LEASE_SECONDS="3").start() for _ in range(3)]
    alpha = Queue("alpha", Redis.from_url(durable.url, decode_responses=True), key_prefix)
    jobs = [f"j{number}" for number in range(6)]
    for job_id in jobs:
        alpha.enqueue({"do": "sleep", "seconds": 10}, id=job_id)
    eventually(lambda: len(apps[0].records("start")) == len(jobs))
    durable.kill()
    time.sleep(4)  # the outage, longer than the lease
    durable.start()
    eventually(lambda: alpha.counts().completed == len(jobs), deadline=60)
    assert [apps[0].runs(job_id) for job_id in jobs] == [1] * len(jobs)
    assert not [line for app in apps for line in app.logged("Recovered jobs of dead instance")]


@pytest.mark.trial
def test_janitor_of_a_redis_that_refuses_all_writes_for_leases_is_not_replaced(
    launch: Start, durable: RedisServer, key_prefix: str
) -> None:
    app = launch(REDIS_URL=durable.url, LEASE_SECONDS="2").start()
    redis = Redis.from_url(durable.url, decode_responses=True)
    alpha, janitor = Queue("alpha", redis, key_prefix), app.processes()["janitor"]
    redis.config_set("min-replicas-to-write", 1)
    eventually(lambda: app.logged("Redis rejects a command, retrying"))
    time.sleep(5)  # the lease, and two thirds of it, after which the supervisor kills a silent janitor
    redis.config_set("min-replicas-to-write", 0)
    ref = alpha.enqueue({})
    assert ref.wait(30)
    assert app.processes()["janitor"] == janitor
    assert app.stop() == 0


def test_supervisor_without_redis_waits_until_it_answers(launch: Start, key_prefix: str) -> None:
    server = RedisServer()
    app = launch(REDIS_URL=server.url).launch()
    eventually(lambda: app.logged("Redis does not answer, retrying"))
    with server:
        alpha = Queue("alpha", Redis.from_url(server.url, decode_responses=True), key_prefix)
        alpha.enqueue({}, id="j")
        eventually(lambda: state_of(alpha, "j") == "completed")
        assert app.stop() == 0


def test_supervisor_without_redis_stops_on_sigterm(launch: Start, key_prefix: str) -> None:
    server = RedisServer()
    app = launch(REDIS_URL=server.url, SHUTDOWN_GRACE="10").launch()
    eventually(lambda: app.logged("Redis does not answer, retrying"))
    assert app.stop() == 0


@pytest.mark.parametrize("trouble", ["SCRIPT FLUSH", "CLIENT KILL TYPE normal"])
def test_jobs_during_lost_scripts_or_connections_run_exactly_once(
    launch: Start, alpha: Queue, redis: Redis, trouble: str
) -> None:
    app = launch().start()
    jobs = [f"j{number}" for number in range(60)]
    for job_id in jobs:
        alpha.enqueue({"do": "sleep", "seconds": 0.01}, id=job_id)
    for done in range(0, 60, 6):
        eventually(lambda done=done: alpha.counts().completed >= done)
        redis.execute_command(*trouble.split(), *(["SKIPME", "yes"] if "KILL" in trouble else []))
    eventually(lambda: alpha.counts().completed == 60)
    assert [app.runs(job_id) for job_id in jobs] == [1] * 60
