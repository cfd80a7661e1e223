"""Jobs that are due at a time: by the clock of Redis, whichever way they are added."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ResponseError

from preppath_workers import AsyncQueue, Durability, NewJob, Queue
from preppath_workers.queue.contract import SCRIPTS
from preppath_workers.queue.new_job import due_time

from .redis_state import NOW, RedisState

MINUTE = 60_000

#: More than ten years from now.
FAR = datetime(2526, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["one", "many", "durable", "asyncio"])
def add(request: pytest.FixtureRequest, redis: Redis, redis_url: str, key_prefix: str) -> Callable[..., None]:
    """Each way in which Python adds a job, called with fields of NewJob."""

    async def add_async(fields: dict[str, Any]) -> None:
        async with AsyncQueue("tts", AsyncRedis.from_url(redis_url), key_prefix) as queue:
            await queue.enqueue({}, **fields)

    def add(**fields: Any) -> None:
        match request.param:
            case "one":
                Queue("tts", redis, key_prefix).enqueue({}, **fields)
            case "many":
                Queue("tts", redis, key_prefix).enqueue_many([NewJob({}), NewJob({}, **fields)])
            case "durable":
                Queue("tts", redis, key_prefix, durable=Durability(replicas=1, seconds=0.01)).enqueue(
                    {}, **fields
                )
            case "asyncio":
                asyncio.run(add_async(fields))

    return add


def seconds_from_now(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))])
def test_job_with_a_due_time_is_delayed_until_then(queue: Queue, zone: tzinfo) -> None:
    due = seconds_from_now(300).astimezone(zone)
    ref = queue.enqueue({}, at=due, expires=600)
    assert queue.redis.zscore(queue.keys.delayed, ref.id) == round(due.timestamp() * 1000)


@pytest.mark.parametrize("past", [datetime(2020, 1, 1, tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_job_whose_due_time_is_past_waits(queue: Queue, past: datetime) -> None:
    assert queue.enqueue({}, at=past, expires=60).status().state == "waiting"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"at": FAR}, "at must be at most ten years from now"),
        ({"at": datetime.max.replace(tzinfo=UTC)}, "at must be at most ten years from now"),
        ({"at": seconds_from_now(86_400), "expires": 5}, "expires must be later than at, and at most ten"),
    ],
    ids=["far", "the last of all", "after it expires"],
)
def test_due_time_that_is_wrong_by_the_clock_of_redis_is_refused_and_adds_nothing(
    add: Callable[..., None], queue: Queue, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^(job j: )?{message}"):
        add(id="j", **fields)
    assert (queue.counts().waiting, queue.counts().delayed) == (0, 0)


class Unclear(tzinfo):
    """A time zone that knows no offset."""

    def utcoffset(self, _: object) -> None:
        return None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"at": datetime(2030, 1, 1)}, "at must be a time with a time zone"),  # noqa: DTZ001 - the mistake
        ({"at": datetime(2030, 1, 1, tzinfo=Unclear())}, "at must be a time with a time zone"),
        ({"at": FAR, "delay": 1}, "at and delay exclude each other"),
    ],
    ids=["naive", "without an offset", "with a delay"],
)
def test_due_time_that_is_unclear_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        NewJob({}, **fields).encode()


@pytest.mark.parametrize(
    "text", ["", "soon", "1795435200", "2026-12-01", "2026-12-01T08:00", "2026-13-01T08:00Z"]
)
def test_text_that_names_no_time_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^at must be a time with a time zone, such as 2026-12-01T08:00:00Z, not"
    ):
        due_time(text)


@pytest.mark.parametrize(
    ("name", "at", "place"),
    [
        (name, at, place)
        for name in ("enqueue", "enqueue_checked", "raw")
        for at, place in ((NOW + 5_000, "delayed"), (NOW, "wait"), (NOW - 5_000, "wait"))
    ],
)
def test_job_at_a_time_compares_it_with_the_clock_of_redis(
    redis_state: RedisState, name: str, at: int, place: str
) -> None:
    if name == "raw":
        redis_state.push(json.dumps({"$id": "a", "$at": at / 1000, "$expires": 60}))
        redis_state.call("promote_due", 100)
    else:
        redis_state.call(name, "a", "{}", 50, f'{{"at":{at},"expires":60000}}')
    found = redis_state.read()
    assert found[place] == ({"a": at} if place == "delayed" else ["a"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('{"at": -1}', "at must be ms since the epoch"),
        ('{"at": "soon"}', "at must be ms since the epoch"),
        ('{"at": null}', "at must be ms since the epoch"),
        ('{"at": 1795435200}', r"at must be ms since the epoch \(not seconds\)"),
        ('{"at": 1e18}', "at must be at most ten years from now"),
        ('{"at": 1795435200123, "delay": 0}', "at and delay exclude each other"),
    ],
)
def test_script_enqueue_at_a_wrong_time_is_refused_and_adds_nothing(
    queue: Queue, options: str, message: str
) -> None:
    with pytest.raises(ResponseError, match=f"INVALIDJOB job j: {message}"):
        queue.redis.eval(SCRIPTS["enqueue"].text, 1, queue.keys.base, "", "j", "{}", "50", options)
    assert queue.counts().waiting == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('"$at": "2026-12-01T08:00:00Z"', "$at must be seconds since the epoch (not ms)"),
        ('"$at": null', "$at must be seconds since the epoch (not ms)"),
        ('"$at": -5', "$at must be seconds since the epoch (not ms)"),
        ('"$at": 1795435200123', "$at must be seconds since the epoch (not ms)"),
        ('"$at": 99999999999', "$at must be at most ten years from now"),
        ('"$at": 2000, "$delay": 1', "$at and delay exclude each other"),
        ('"$at": 2000, "$expires": 5', "$expires must be later than at, and at most ten years"),
    ],
)
def test_raw_push_at_a_wrong_time_is_a_dead_letter_that_names_it(
    redis_state: RedisState, options: str, message: str
) -> None:
    redis_state.push(f"{{{options}}}")
    redis_state.call("promote_due", 100)
    (job,) = redis_state.read()["jobs"].values()
    assert (job["reason"], json.loads(job["error"])["message"]) == ("invalid", message)


def test_due_time_after_the_clock_was_set_back_stays(redis_state: RedisState) -> None:
    redis_state.call("enqueue", "a", "{}", 50, f'{{"at":{NOW + 2 * MINUTE}}}', now=NOW + MINUTE)

    assert redis_state.call("promote_due", 10) == [0, 2 * MINUTE]
    assert redis_state.read()["delayed"] == {"a": NOW + 2 * MINUTE}
