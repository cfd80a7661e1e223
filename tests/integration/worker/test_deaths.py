"""No job is lost when a worker, janitor or supervisor dies."""

from __future__ import annotations

import os
import signal

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.keys import LAYOUT
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .conftest import Start
from .harness import is_alive, state_of

pytestmark = pytest.mark.processes


def test_job_of_a_killed_worker_runs_again_before_a_lease_ends(launch: Start, alpha: Queue) -> None:
    app = launch(LEASE_SECONDS="60").start()
    alpha.enqueue({"do": "sleep", "seconds": 2}, id="j")
    os.kill(app.pid_of("j"), signal.SIGKILL)
    eventually(lambda: app.runs("j") == 2)
    eventually(lambda: state_of(alpha, "j") == "completed")
    job = alpha.get("j")
    assert job is not None
    assert (job.attempts, job.failures, job.recoveries) == (2, 0, 1)


def test_job_that_kills_its_workers_ends_in_the_dead_letter_list(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_RECOVERIES="2").start()
    alpha.enqueue({"do": "die"}, id="poison")
    alpha.enqueue({}, id="good")
    eventually(lambda: state_of(alpha, "poison") == "failed")
    job = alpha.get("poison")
    assert job is not None
    assert (job.reason, job.recoveries, app.runs("poison")) == ("worker-died", 3, 3)
    (failure,) = eventually(lambda: app.logged("Job failed permanently"))
    assert failure.items() >= {"jobId": "poison", "attempts": 3, "reason": "worker-died"}.items()
    eventually(lambda: state_of(alpha, "good") == "completed")


def test_idle_worker_that_is_killed_is_replaced(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    before = app.workers()["alpha:0"]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: app.workers().get("alpha:0") not in (None, before))
    alpha.enqueue({}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")


def test_workers_of_a_killed_supervisor_die_and_another_instance_runs_their_jobs(
    launch: Start, alpha: Queue
) -> None:
    app = launch(LEASE_SECONDS="2").start()
    alpha.enqueue({"do": "sleep", "seconds": 20}, id="j")
    app.pid_of("j")
    processes = app.processes().values()
    other = launch().start()
    app.kill()
    eventually(lambda: not any(map(is_alive, processes)))

    def recovered() -> int | None:
        lines = other.logged("Recovered jobs of dead instance")
        return {line["queue"]: line["jobs"] for line in lines}.get("alpha")

    assert eventually(recovered) == 1
    eventually(lambda: app.runs("j") == 2)
    job = alpha.get("j")
    assert job is not None
    assert job.recoveries == 1


def test_death_of_a_janitor_does_not_delay_the_recovery_of_another_instance(
    launch: Start, alpha: Queue
) -> None:
    app = launch(LEASE_SECONDS="15").start()
    alpha.enqueue({"do": "sleep", "seconds": 60}, id="j")
    app.pid_of("j")
    (dead,) = leases(alpha)
    other = launch(LEASE_SECONDS="15").start()
    (name,) = leases(alpha).keys() - {dead}
    first = leases(alpha)[name]
    # It has renewed its lease twice since, so it knows which leases expire from now on.
    eventually(lambda: leases(alpha)[name] > first + 1.5 * 15_000 / 5)
    app.kill()
    os.kill(other.processes()["janitor"], signal.SIGKILL)
    seconds, _ = alpha.redis.time()
    alpha.redis.zadd(alpha.keys.instances, {dead: seconds * 1_000})  # its lease ends now

    # A janitor that knew nothing of the time before its start would wait for one lease more.
    eventually(lambda: app.runs("j") == 2, deadline=10)


def leases(queue: Queue) -> dict[str, float]:
    """Return when each instance's lease ends, in ms since the epoch."""
    return dict(queue.redis.zrange(queue.keys.instances, 0, -1, withscores=True))


def test_worker_that_was_stopped_beyond_its_lease_cannot_settle_its_job(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1", LEASE_SECONDS="2").start()
    alpha.enqueue({"do": "sleep", "seconds": 1}, id="j")
    app.pid_of("j")
    pids = [app.pid, *app.processes().values()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    other = launch(ALPHA_CONCURRENCY="1").start()
    eventually(lambda: state_of(alpha, "j") == "completed")
    worker_id = alpha.get("j").worker_id
    for pid in reversed(pids):
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: app.logged("Outcome discarded: the job belongs to another worker"))
    assert alpha.get("j").worker_id == worker_id
    assert alpha.statistics()["completed"] == 1
    other.stop()
    alpha.enqueue({}, id="next")  # the woken instance is registered and works again
    eventually(lambda: state_of(alpha, "next") == "completed")


def test_janitor_that_hangs_is_replaced_before_the_lease_expires(launch: Start, alpha: Queue) -> None:
    app = launch(LEASE_SECONDS="4").start()
    before = app.processes()["janitor"]
    os.kill(before, signal.SIGSTOP)
    eventually(lambda: app.processes().get("janitor") not in (None, before))
    eventually(lambda: alpha.counts().workers == 2)
    other = launch().start()
    eventually(lambda: alpha.counts().workers == 4)
    assert not other.logged("Recovered jobs of dead instance")


def test_supervisor_with_an_evicting_redis_exits_with_78(launch: Start) -> None:
    with RedisServer(settings={"maxmemory-policy": "allkeys-lru"}) as server:
        app = launch(REDIS_URL=server.url).launch()
        assert app.wait() == 78
    reasons = app.logged("Redis may evict jobs: maxmemory-policy is allkeys-lru, set it to noeviction")
    assert reasons
    assert not app.workers()


def test_supervisor_with_a_queue_of_a_newer_layout_exits_with_78(launch: Start, alpha: Queue) -> None:
    alpha.redis.hset(alpha.keys.meta, "layout", LAYOUT + 1)
    app = launch().launch()
    assert app.wait() == 78
    (line,) = app.logged(
        f"queue alpha has layout {LAYOUT + 1}, this version knows {LAYOUT}: update preppath-workers"
    )
    assert line["level"] == "critical"
    assert not app.workers()


def test_supervisor_whose_queue_gets_a_newer_layout_exits_with_78(launch: Start, alpha: Queue) -> None:
    app = launch(LEASE_SECONDS="2").start()
    alpha.redis.hset(alpha.keys.meta, "layout", LAYOUT + 1)
    assert app.wait() == 78
    assert [line for line in app.lines() if f"queue alpha has layout {LAYOUT + 1}" in line["message"]]


@pytest.mark.parametrize("stored", [LAYOUT, LAYOUT - 1, "garbage"])
def test_supervisor_with_a_known_or_malformed_layout_starts(
    launch: Start, alpha: Queue, stored: object
) -> None:
    alpha.redis.hset(alpha.keys.meta, "layout", str(stored))
    launch().start()


def test_supervisor_with_a_wrong_password_exits_with_78_and_does_not_log_it(launch: Start) -> None:
    with RedisServer(settings={"requirepass": "right-horse"}) as server:
        app = launch(REDIS_URL=f"redis://:wrong-horse@127.0.0.1:{server.port}").launch()
        assert app.wait() == 78
    assert app.logged("Redis rejects the credentials: check REDIS_URL and the permissions of its user")
    assert "wrong-horse" not in app.log_path.read_text(encoding="utf-8")


def test_supervisor_whose_password_is_changed_while_it_runs_waits_for_the_old_one(
    launch: Start, key_prefix: str
) -> None:
    """Also if its janitor has to be replaced meanwhile: the configuration was right when it started."""
    with RedisServer(settings={"requirepass": "first-horse"}) as server:
        url = f"redis://:first-horse@127.0.0.1:{server.port}"
        app = launch(REDIS_URL=url).start()
        with Redis.from_url(url) as admin:
            admin.config_set("requirepass", "second-horse")
            os.kill(app.processes()["janitor"], signal.SIGKILL)
            for kind in ("normal", "pubsub"):
                admin.client_kill_filter(_type=kind, skipme=True)
            eventually(
                lambda: app.logged(
                    "Redis rejects the credentials: check REDIS_URL and the permissions of its user"
                )
            )
            eventually(lambda: len(app.logged("Process died")) >= 3)
            admin.config_set("requirepass", "first-horse")
        with Redis.from_url(url, decode_responses=True) as redis:
            queue = Queue("alpha", redis, key_prefix)
            queue.enqueue({}, id="j")
            eventually(lambda: state_of(queue, "j") == "completed")
            assert app.stop() == 0


def test_worker_killed_by_a_signal_without_a_name_is_replaced_and_logged(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="1").start()
    before = app.workers()["alpha:0"]
    os.kill(before, signal.SIGRTMIN + 1)
    eventually(lambda: app.workers().get("alpha:0") not in (None, before))
    assert app.logged("Process died")[0]["cause"] == f"signal {signal.SIGRTMIN + 1}"


def test_janitor_with_one_damaged_queue_still_maintains_the_others(
    launch: Start, alpha: Queue, redis: Redis, key_prefix: str
) -> None:
    app = launch().start()
    redis.set(alpha.keys.delayed, "not a sorted set")
    beta = Queue("beta", redis, key_prefix)
    beta.enqueue({}, id="j", delay=0.1)
    eventually(lambda: state_of(beta, "j") == "completed")
    assert app.logged("Janitor step failed")[0]["queue"] == "alpha"
