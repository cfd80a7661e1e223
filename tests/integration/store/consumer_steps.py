"""The steps of a consumer, as a worker takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from redis import Redis

from preppath_workers.store.consuming.consumer import Consumer, Wait
from preppath_workers.store.consuming.outcome import Finished, Outcome
from preppath_workers.store.job import Job

OpenConsumer = Callable[..., Consumer]

#: The name of consumers' connections on the server, by which a test finds them.
CONSUMER = "test-consumer"


def settle_and_fetch(consumer: Consumer, finished: Finished | None = None) -> Job | Wait | None:
    consumer.settle_and_fetch(finished)
    return consumer.next_job()


def next_job(consumer: Consumer) -> Job:
    """Return the next job, whether it waits already or arrives during the blocking pop."""
    job = settle_and_fetch(consumer) or settle_and_fetch(consumer)
    assert isinstance(job, Job)
    return job


def done(job: Job, outcome: Outcome) -> Finished:
    return Finished(job, outcome, duration_ms=1)


def consumers(redis: Redis) -> Mapping[str, str]:
    """Return the last command of each consumer's connection, by the connection's id."""
    return {client["id"]: client["cmd"] for client in redis.client_list() if client["name"] == CONSUMER}


def is_popping(redis: Redis) -> bool:
    """Return whether a consumer blocks in its pop."""
    return "brpoplpush" in consumers(redis).values()


def cut_consumers(redis: Redis) -> None:
    """Kill the connections of all consumers."""
    for client_id in consumers(redis):
        redis.client_kill_filter(_id=client_id)
