"""A failure of one queue, or of one of the janitor's steps, does not affect the others."""

from __future__ import annotations

import pytest
from redis import Redis

from preppath_workers import NewJob, Queue
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .conftest import Start
from .harness import App, state_of

pytestmark = pytest.mark.processes

TROUBLE = "Janitor step failed"


def lease_of(app: App, queue: Queue) -> float:
    instance = app.logged("Supervisor started")[-1]["instance"]
    return queue.redis.zscore(queue.keys.instances, instance) or 0.0


def test_janitor_that_cannot_renew_one_lease_renews_the_others(
    launch: Start, alpha: Queue, redis: Redis, key_prefix: str
) -> None:
    app = launch(LEASE_SECONDS="3").start()
    beta = Queue("beta", redis, key_prefix)
    redis.rename(alpha.keys.instances, f"{key_prefix}:aside")
    redis.set(alpha.keys.instances, "x")
    line = eventually(lambda: [line for line in app.logged(TROUBLE) if line["step"] == "heartbeat"])[0]
    assert line["queue"] == "alpha"
    before = lease_of(app, beta)
    eventually(lambda: lease_of(app, beta) > before + 1_000)
    # The queue's other steps go on as well.
    redis.zadd(alpha.keys.delayed, {'{"raw":1}': 1})
    eventually(lambda: redis.zcard(alpha.keys.delayed) == 0)
    troubles = [line for line in app.logged(TROUBLE) if line["step"] == "heartbeat"]
    assert len(troubles) == 1


@pytest.mark.timeout(120)
def test_janitor_that_cannot_enqueue_webhooks_still_recovers_dead_instances(
    launch: Start, alpha: Queue, redis: Redis, key_prefix: str
) -> None:
    url = {"WEBHOOK_URL": "http://127.0.0.1:9/hook", "LEASE_SECONDS": "2"}
    dying = launch(**url).start()
    alpha.enqueue({"do": "sleep", "seconds": 20}, id="j")
    dying.pid_of("j")
    survivor = launch(**url).start()
    redis.delete(Queue("webhook", redis, key_prefix).keys.wait)
    redis.set(Queue("webhook", redis, key_prefix).keys.wait, "x")
    redis.rpush(alpha.keys.events, '{"id":"x","event":"completed","replays":0,"at":5}')
    eventually(lambda: [line for line in survivor.logged(TROUBLE) if line["step"] == "enqueue_deliveries"])
    dying.kill()
    eventually(lambda: survivor.logged("Recovered jobs of dead instance"), deadline=30)


def test_overwritten_job_is_logged_once_and_the_others_run(launch: Start, alpha: Queue, redis: Redis) -> None:
    alpha.enqueue({}, id="bad")
    redis.set(alpha.keys.job("bad"), "x")
    alpha.enqueue_many(NewJob({}, id=f"j{number}") for number in range(9))
    app = launch(ALPHA_CONCURRENCY="1").start()
    line = eventually(lambda: app.logged("Overwritten job: its key holds no hash, a dead letter names it"))[0]
    eventually(lambda: alpha.counts().completed == 9)
    assert (line["level"], line["jobId"]) == ("error", "bad")
    (dead,) = alpha.dead_letters()
    assert (dead.id, dead.raw_data) == (line["deadLetter"], "bad")
    assert not app.logged(TROUBLE)


def test_janitor_with_many_due_jobs_promotes_a_bounded_number_at_a_time(
    launch: Start, alpha: Queue, redis: Redis
) -> None:
    count = 800
    with redis.pipeline(transaction=False) as pipeline:
        for number in range(count):
            pipeline.hset(f"{alpha.keys.base}job:j{number}", mapping={"data": "{}", "state": "delayed"})
        pipeline.zadd(alpha.keys.delayed, {f"j{number}": 1 for number in range(count)})
        pipeline.execute()
    app = launch(ALPHA_CONCURRENCY="1").start()
    eventually(lambda: redis.zcard(alpha.keys.delayed) == 0)

    def moved() -> list[int]:
        return [line["jobs"] for line in app.logged("Promoted due jobs") if line["queue"] == "alpha"]

    eventually(lambda: sum(moved()) == count)
    assert max(moved()) <= 100


@pytest.mark.timeout(120)
def test_instance_with_a_redis_out_of_memory_keeps_its_lease_and_logs_once(
    launch: Start, own_server: RedisServer, key_prefix: str
) -> None:
    with Redis.from_url(own_server.url, decode_responses=True) as client:
        alpha = Queue("alpha", client, key_prefix)
        app = launch(REDIS_URL=own_server.url, LEASE_SECONDS="3", ALPHA_RETRIES="1").start()
        for number in range(20):
            alpha.enqueue({}, id=f"due{number}", delay=1)
        client.config_set("maxmemory", 1)
        before = lease_of(app, alpha)
        eventually(lambda: lease_of(app, alpha) > before + 3_000, deadline=30)
        eventually(lambda: alpha.counts().completed == 20, deadline=30)
        eventually(lambda: app.logged("Redis rejects a command, retrying"), deadline=30)
        client.config_set("maxmemory", 0)
        assert not app.logged("Redis does not answer, retrying")
        refused = [line["pid"] for line in app.logged("Redis rejects a command, retrying")]
        assert len(refused) == len({*refused}) <= 3
        alpha.enqueue({}, id="after")
        eventually(lambda: state_of(alpha, "after") == "completed")


def test_supervisor_whose_redis_begins_to_evict_logs_it_once_and_goes_on(launch: Start) -> None:
    with RedisServer() as server, Redis.from_url(server.url, decode_responses=True) as client:
        app = launch(REDIS_URL=server.url, LEASE_SECONDS="2").start()
        client.config_set("maxmemory-policy", "volatile-lru")
        line = eventually(
            lambda: app.logged("Redis may evict jobs: maxmemory-policy is volatile-lru, set it to noeviction")
        )[0]
        assert line["level"] == "error"

        client.config_set("maxmemory-policy", "noeviction")
        eventually(lambda: app.logged("Redis does not evict any more"))
        assert len(app.workers()) == 3
        assert app.stop() == 0
        assert len(app.logged(line["message"])) == 1
