"""Adding a job takes an idle connection of the client past the client, and nothing else changes by that."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool
from redis.retry import Retry

from preppath_workers import Queue
from preppath_workers.store.connections.connection import client_without_retries

Calls = list[tuple[Any, ...]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The calls of the pool's `get_connection`, which the client makes for each command."""
    made: Calls = []
    get_connection = ConnectionPool.get_connection

    def recorded(*args: Any, **kwargs: Any) -> Any:
        made.append(args)
        return get_connection(*args, **kwargs)

    monkeypatch.setattr(ConnectionPool, "get_connection", recorded)
    return made


def added(queue: Queue, *ids: str) -> list[str]:
    """Add jobs with these ids; return the ids of those that the queue has afterwards."""
    for job_id in ids:
        assert queue.enqueue({}, id=job_id).created
    return [job.id for job in queue.get_many(ids)]


def test_enqueue_with_an_idle_connection_uses_it_past_the_client(queue: Queue, calls: Calls) -> None:
    queue.enqueue({}, id="first")
    calls.clear()

    assert queue.enqueue({}, id="a").created
    assert not queue.enqueue({}, id="a").created

    assert calls == []
    assert [job.id for job in queue.get_many(["a"])] == ["a"]


def test_enqueue_with_a_client_that_is_traced_goes_through_it(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute_command, seen = Redis.execute_command, []

    def traced(self: Redis, *args: Any, **options: Any) -> Any:
        seen.append(args[0])
        return execute_command(self, *args, **options)

    queue.enqueue({}, id="first")
    monkeypatch.setattr(Redis, "execute_command", traced)

    queue.enqueue({}, id="a")

    assert "EVALSHA" in seen


@pytest.mark.parametrize("kind", ["single", "blocking"])
def test_enqueue_with_a_client_of_another_kind_goes_through_it(
    kind: str, redis_url: str, key_prefix: str
) -> None:
    pool = BlockingConnectionPool.from_url(redis_url, max_connections=1, timeout=1)
    client = Redis.from_pool(pool) if kind == "blocking" else Redis.from_url(redis_url)
    with Redis(connection_pool=client.connection_pool, single_connection_client=kind == "single") as given:
        queue = Queue("tts", given, key_prefix)

        assert added(queue, "a", "b") == ["a", "b"]
        assert given.ping()


def test_enqueue_after_the_server_closed_the_connection_needs_no_retry(
    redis_url: str, key_prefix: str, redis: Redis
) -> None:
    client = client_without_retries(f"{redis_url}{'&' if '?' in redis_url else '?'}client_name=closed", 5)
    queue = Queue("tts", client, key_prefix)
    queue.enqueue({}, id="first")
    (closed,) = [each for each in redis.client_list() if each["name"] == "closed"]
    redis.client_kill_filter(_id=closed["id"])

    assert added(queue, "a") == ["a"]


def test_enqueue_never_reads_the_answer_to_another_command(redis_url: str, key_prefix: str) -> None:
    # With protocol 3, redis-py takes what is left for a notice of the server.
    with Redis.from_url(redis_url, protocol=2, retry=Retry(NoBackoff(), 0)) as client:
        queue = Queue("tts", client, key_prefix)
        queue.enqueue({}, id="first")
        left: Any = client.connection_pool.get_connection()
        left.send_command("PING")
        left._sock.recv(1, 2)  # MSG_PEEK: wait for the answer
        client.connection_pool.release(left)

        assert added(queue, "a") == ["a"]


def test_enqueue_in_a_forked_process_opens_a_connection_of_its_own(queue: Queue, redis: Redis) -> None:
    queue.enqueue({}, id="first")
    child = os.fork()
    if child == 0:
        os._exit(0 if queue.enqueue({}, id="child").created else 1)

    assert os.waitpid(child, 0)[1] == 0
    assert added(queue, "parent") == ["parent"]
    assert [job.id for job in queue.get_many(["child"])] == ["child"]


def test_enqueue_in_many_threads_gets_its_own_answer_in_each(queue: Queue) -> None:
    ids = [f"job-{number % 200}" for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        created = list(threads.map(lambda job_id: queue.enqueue({}, id=job_id).created, ids))

    assert sum(created) == 200
    assert queue.counts().waiting == 200
    pool: Any = queue.redis.connection_pool
    assert not pool._in_use_connections
