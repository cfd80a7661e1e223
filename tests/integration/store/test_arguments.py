"""Arguments of another type than the public interface's: refused by name, or taken as what they stand for."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from preppath_workers import AsyncQueue, NewJob, Queue


class Name(str, enum.Enum):  # noqa: UP042 - a StrEnum prints as its value
    TTS = "tts"
    ID = "q1"


class Number(int, enum.Enum):
    URGENT = 1
    TWO = 2


def test_member_of_an_enumeration_stands_for_its_value(redis: Redis, key_prefix: str, queue: Queue) -> None:
    """It is a str or an int, but prints as something else."""
    named = Queue(Name.TTS, redis, key_prefix)
    ref = named.enqueue({}, id=Name.ID, priority=Number.URGENT, group=Name.ID, group_size=Number.TWO)
    named.enqueue_many([NewJob({}, id="q2", priority=Number.TWO)])

    assert (named.keys, ref.id, ref.status().priority) == (queue.keys, "q1", 1)
    assert [job.id for job in queue.jobs("waiting")] == ["q1", "q2"]
    for found in (named.get(Name.ID), named.ref(Name.ID).status(), *named.get_many([Name.ID])):
        assert found is not None
        assert (found.id, found.group) == ("q1", "q1")
    group = named.group(Name.ID)
    assert group is not None
    assert (group.name, group.size) == ("q1", 2)
    assert named.locate(Name.ID).ahead == 0
    assert named.prioritize(Name.ID, Number.TWO) == "waiting"
    assert named.cancel(Name.ID) == "cancelled"


def test_enumeration_names_an_asyncio_queue(redis_url: str, key_prefix: str, queue: Queue) -> None:
    async def add() -> None:
        async with AsyncQueue(Name.TTS, AsyncRedis.from_url(redis_url), key_prefix) as named:
            await named.enqueue({}, id=Name.ID, priority=Number.URGENT)

    asyncio.run(add())
    assert [(job.id, job.priority) for job in queue.jobs("waiting")] == [("q1", 1)]


@pytest.mark.parametrize("wrong", [None, 5, b"w", ["w"]], ids=ascii)
@pytest.mark.parametrize(
    "call",
    [
        lambda queue, wrong: queue.get(wrong),
        lambda queue, wrong: queue.ref(wrong),
        lambda queue, wrong: queue.cancel(wrong),
        lambda queue, wrong: queue.promote(wrong),
        lambda queue, wrong: queue.prioritize(wrong, 1),
        lambda queue, wrong: queue.locate(wrong),
        lambda queue, wrong: queue.get_many([wrong]),
        lambda queue, wrong: queue.replay([wrong]),
        lambda queue, wrong: queue.purge([wrong]),
    ],
    ids=["get", "ref", "cancel", "promote", "prioritize", "locate", "get_many", "replay", "purge"],
)
def test_id_that_is_not_text_is_refused(
    queue: Queue, call: Callable[[Queue, Any], object], wrong: Any
) -> None:
    """A client that does not decode answers has ids as bytes: no job would be found by them."""
    with pytest.raises(ValueError, match=r"^id must be text, not "):
        call(queue, wrong)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda queue: queue.group(b"g"), "group must be text, not b'g'"),
        (lambda queue: queue.close_group(5), "group must be text, not 5"),
        (lambda queue: queue.get_many("abc"), "ids must be a list of ids, not the text 'abc'"),
        (lambda queue: queue.cancel("w", "no"), "running must be True or False, not 'no'"),
        (lambda queue: queue.cancel("w", 1), "running must be True or False, not 1"),
        (lambda queue: queue.jobs("waiting", "0"), "start must be a whole number from 0 to"),
        (lambda queue: queue.jobs("waiting", -1), "start must be a whole number from 0 to"),
        (lambda queue: queue.jobs("failed", 10**30), "start must be a whole number from 0 to"),
        (lambda queue: queue.jobs("delayed", 0, None), "count must be a whole number from"),
        (lambda queue: queue.dead_letters(0.5), "start must be a whole number from 0 to"),
        (lambda queue: queue.snapshot("5"), "count must be a whole number from"),
        (lambda queue: queue.ref("w").wait("5"), "timeout must be a number of seconds, not '5'"),
        (lambda queue: queue.ref("w").wait(True), "timeout must be a number of seconds, not True"),
        (lambda queue: queue.ref("w").wait(Decimal(1)), "timeout must be a number of seconds, not Decimal"),
        (lambda queue: queue.enqueue({}, traceparent=b"00"), "traceparent must be as in W3C Trace Context"),
    ],
)
def test_argument_of_another_type_is_refused_by_its_name(
    queue: Queue, call: Callable[[Queue], object], message: str
) -> None:
    queue.enqueue({}, id="w")
    with pytest.raises(ValueError, match=f"^{message}"):
        call(queue)


def test_durability_of_another_type_is_refused(redis: Redis) -> None:
    for kind in (Queue, AsyncQueue):
        with pytest.raises(TypeError, match=r"^durable must be a Durability, not bool$"):
            kind("tts", redis, durable=True)  # type: ignore[arg-type] # the mistake


def test_wait_without_an_end_takes_any_large_number(queue: Queue) -> None:
    ref = queue.enqueue({})
    ref.cancel()
    for timeout in (float("inf"), 10**400):
        with pytest.raises(Exception, match="was cancelled"):
            ref.wait(timeout)
