"""The command health: whether each queue has live workers and works."""

from __future__ import annotations

import json
import socket
import subprocess

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.store.instance import is_local, new_name
from preppath_workers.store.scripts import Caller

from .conftest import Run
from .slots import take


def send_heartbeat(queue: Queue, redis: Redis, instance: str) -> None:
    Caller(redis, queue.keys.base)("heartbeat", instance, 60_000, 2, 0, 0, 0, 0, "pid", 1)


@pytest.fixture
def health(run: Run) -> Run:
    def health(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return run("health", *words, QUEUES="tts", **variables)

    return health


def test_health_of_a_queue_without_instances_is_an_error(health: Run) -> None:
    shown = health()
    assert (shown.returncode, shown.stdout) == (1, "error  tts: no live instance works the queue\n")
    assert health("--quiet").stdout == shown.stdout


def test_health_of_a_queue_with_a_live_lease_is_ok(health: Run, tts: Queue, redis: Redis) -> None:
    send_heartbeat(tts, redis, new_name())
    assert (health().returncode, health().stdout) == (0, "ok     tts: 2 workers\n")
    assert health("--quiet").stdout == health("--quiet", "--json").stdout == ""
    assert json.loads(health("--json").stdout) == {"queue": "tts", "healthy": True, "detail": "2 workers"}


def test_health_with_local_counts_only_instances_of_this_host(health: Run, tts: Queue, redis: Redis) -> None:
    send_heartbeat(tts, redis, "elsewhere-12-abcdef")
    assert health().returncode == 0
    assert health("--local").stdout == "error  tts: no live instance on this host works the queue\n"
    send_heartbeat(tts, redis, new_name())
    assert health("--local").returncode == 0


def test_health_of_a_queue_with_an_expired_lease_is_an_error(health: Run, tts: Queue, redis: Redis) -> None:
    send_heartbeat(tts, redis, new_name())
    redis.zadd(tts.keys.instances, dict.fromkeys(redis.zrange(tts.keys.instances, 0, -1), 1))
    assert health().returncode == 1


def test_health_of_a_job_that_may_start_and_does_not_is_an_error(
    health: Run, tts: Queue, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preppath_workers.store.reading.health._PATIENCE", 0.5)
    send_heartbeat(tts, redis, new_name())
    tts.enqueue({})
    shown = health()
    assert shown.returncode == 1
    assert shown.stdout == "error  tts: 2 workers, but no worker starts a waiting job that may start\n"


def test_health_of_a_job_that_may_not_start_is_ok(
    health: Run, tts: Queue, redis: Redis, consumer: Consumer
) -> None:
    send_heartbeat(tts, redis, new_name())
    tts.enqueue({})
    tts.pause()
    assert health().stdout == "ok     tts: 2 workers, paused\n"
    tts.resume()
    redis.hset(tts.keys.gate, mapping={"heldUntil": tts.now() + 60_000, "heldReason": "slow down"})
    assert health().stdout == "ok     tts: 2 workers, held: slow down\n"
    tts.resume()
    redis.zadd(tts.keys.tokens, {"x": tts.now()})
    redis.delete(tts.keys.limit)  # without an instance's limit, the command's own applies
    assert health(TTS_RATE_LIMIT="1/600").stdout == "ok     tts: 2 workers\n"


def test_health_of_a_queue_out_of_service_is_an_error(health: Run, tts: Queue, redis: Redis) -> None:
    send_heartbeat(tts, redis, new_name())
    redis.hset(tts.keys.gate, mapping={"outOfService": "wrong key", "service": "openai", "outage": 1})
    shown = health()
    assert (shown.returncode, shown.stdout) == (
        1,
        "error  tts: 2 workers, out of service: openai: wrong key\n",
    )


def test_health_of_a_machine_out_of_a_resource_is_an_error(
    health: Run, run: Run, tts: Queue, redis: Redis
) -> None:
    name = new_name()
    send_heartbeat(tts, redis, name)
    shortage = {
        "trouble": '{"class":"MachineError","message":"this machine: disk full"}',
        "troubleAt": tts.now(),
    }
    redis.hset(tts.keys.instance(name), mapping=shortage)
    shown = health()
    assert (shown.returncode, shown.stdout) == (
        1,
        f"error  tts: 2 workers; {name}: this machine: disk full\n",
    )
    for words in (["queues"], ["top", "--once"]):
        assert f"\ntts: {name}: this machine: disk full\n" in run(*words).stdout
    ref = tts.enqueue({}, id="j1")
    assert f"a shortage lately on {name}: this machine: disk full\n" in run("show", "tts", "j1").stdout
    ref.cancel()
    redis.hset(tts.keys.instance(name), "troubleAt", tts.now() - 600_000)
    assert health().returncode == 0


def test_health_of_busy_workers_is_ok(health: Run, tts: Queue, consumer: Consumer) -> None:
    tts.enqueue({}, id="runs")
    tts.enqueue({}, id="waits")
    take(consumer)
    assert health().stdout == "ok     tts: 1 worker\n"


def test_health_without_redis_exits_with_69(health: Run) -> None:
    assert health(REDIS_URL="redis://127.0.0.1:9").returncode == 69


def test_is_local_of_an_instance_name_compares_the_host() -> None:
    assert is_local(new_name())
    assert is_local(new_name() + ":3")
    assert not is_local("other-" + new_name())
    assert not is_local(f"{socket.gethostname()}-x-1-abcdef:0")


def test_health_with_a_full_list_of_cost_rows_says_so(
    tts: Queue, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preppath_workers.store.cost_rows.MOST", 1)
    send_heartbeat(tts, redis, new_name())
    redis.rpush(tts.keys.cost_rows, "{}")
    redis.hset(tts.keys.stats, "costRowsDropped", 7)
    shown = tts.health()
    assert (shown.healthy, "the list of cost rows is full, 7 left out so far" in shown.detail) == (True, True)
    redis.delete(tts.keys.cost_rows)
    assert tts.health().detail == "2 workers"
