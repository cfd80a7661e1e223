"""Queue: what producers and onlookers may do, on the real server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from preppath_workers import NewJob, Queue
from preppath_workers.errors import UnknownJob
from preppath_workers.queue import MAX_DATA_BYTES
from preppath_workers.store.job_id import is_valid_id, new_id
from preppath_workers.store.reading.reader import Counts, Gate
from preppath_workers.store.scripts import Caller, scripts

from .failing import failing


@pytest.fixture(params=[True, False], ids=["text", "bytes"])
def producer(request: pytest.FixtureRequest, redis_url: str, key_prefix: str) -> Iterator[Queue]:
    """The queue with a client that decodes replies, and with one that does not."""
    with Redis.from_url(redis_url, decode_responses=request.param) as client:
        yield Queue("tts", client, key_prefix)


def fail(queue: Queue, redis: Redis, *ids: str) -> None:
    """Run the jobs one after the other; each becomes a dead letter."""
    call = Caller(redis, queue.keys.base)
    for job_id in ids:
        redis.lrem(queue.keys.wait, 1, job_id)
        redis.lpush(queue.keys.active("host:0"), job_id)
        call("claim", "host", 0, 15_000, 0, 0, 60_000)
        call("retry", job_id, "host:0", 1, *failing('{"class":"E","message":"m"}', "invalid", 3, 1_000, 0))


def test_get_returns_the_job_as_enqueued(producer: Queue) -> None:
    added = producer.enqueue({"text": "é😀", "n": [1, None]}, priority=7)
    assert added.created
    assert is_valid_id(added.id)

    job = producer.get(added.id)

    assert job is not None
    assert (job.queue, job.id, job.data, job.priority, job.state) == (
        "tts", added.id, {"text": "é😀", "n": [1, None]}, 7, "waiting",
    )  # fmt: skip
    assert (job.attempts, job.result, job.error, job.reason, job.started_at) == (0, None, None, None, None)
    assert job.created_at is not None
    assert not job.is_finished
    assert producer.get("unknown") is None


def test_enqueue_with_an_existing_id_creates_no_job(producer: Queue) -> None:
    assert producer.enqueue({"n": 1}, id="a").created
    assert not producer.enqueue({"n": 2}, id="a").created
    job = producer.get("a")
    assert job is not None
    assert job.data == {"n": 1}


def test_enqueue_many_keeps_the_order(producer: Queue, redis: Redis) -> None:
    ids = [f"j{number:04}" for number in range(601)]

    added = producer.enqueue_many(NewJob({}, id=job_id) for job_id in [*ids, "j0000"])

    assert [(job.id, job.created) for job in added] == [*((job_id, True) for job_id in ids), ("j0000", False)]
    assert redis.lrange(producer.keys.wait, 0, -1) == ids[::-1]
    assert producer.enqueue_many([]) == []


@pytest.mark.parametrize(
    ("jobs", "characters", "calls"), [(151, 0, 4), (5, 400_000, 3), (3, 900_000, 3)], ids=str
)
def test_enqueue_many_sends_bounded_calls(
    queue: Queue, redis_url: str, jobs: int, characters: int, calls: int
) -> None:
    """Redis serves no other client while it runs a script."""
    sent: list[str] = []
    queue.redis.script_load(scripts()["enqueue"].text)
    with Redis.from_url(redis_url, decode_responses=True) as watcher, watcher.monitor() as monitor:
        queue.enqueue_many(NewJob({"text": "x" * characters}, id=f"j{number}") for number in range(jobs))
        queue.redis.echo(queue.keys.base)
        while (command := monitor.next_command()["command"]) != f"ECHO {queue.keys.base}":
            if command.startswith("EVALSHA") and f" {queue.keys.base} " in command:
                sent.append(command)

    jobs_sent = [len(re.findall(r" j\d+ ", command)) for command in sent]
    assert sum(jobs_sent) == jobs
    assert max(jobs_sent) <= 50
    assert max(map(len, sent)) <= 1_000_000 + 50 * 100
    assert len(sent) == calls


def test_enqueue_many_with_an_invalid_job_keeps_earlier_batches(producer: Queue) -> None:
    jobs = [NewJob({}, id=f"j{number}") for number in range(75)]
    with pytest.raises(ValueError, match="priority"):
        producer.enqueue_many([*jobs, NewJob({}, priority=0)])
    assert producer.counts().waiting == 50


def test_enqueue_with_a_delay_is_due_in_seconds(producer: Queue, redis: Redis) -> None:
    before = time.time()
    producer.enqueue({}, id="a", delay=60.5)

    assert producer.counts().delayed == 1
    due = redis.zscore(producer.keys.delayed, "a")
    assert before + 60.4 <= due / 1000 <= time.time() + 60.6


CYCLE: dict[str, Any] = {}
CYCLE["self"] = CYCLE


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ({"priority": 0}, "priority must be a whole number from 1 to 100, not 0"),
        ({"priority": 101}, "not 101"),
        ({"priority": 1.5}, "not 1.5"),
        ({"priority": True}, "not True"),
        ({"priority": "1"}, "not '1'"),
        ({"priority": None}, "not None"),
        ({"delay": -0.1}, "delay must be 0 or more seconds and at most ten years, not -0.1"),
        ({"delay": float("nan")}, "not nan"),
        ({"delay": float("inf")}, "not inf"),
        ({"id": "no blanks"}, "id 'no blanks' must be 1 to 128 letters, digits or"),
        ({"id": "-option"}, "a letter or digit first"),
        ({"id": "x" * 129}, "must be 1 to 128"),
        ({"id": "line\n"}, "must be 1 to 128"),
        ({"id": "é"}, "must be 1 to 128"),
        ({"data": [1]}, "data must be a JSON object, not list"),
        ({"data": "{}"}, "data must be a JSON object, not str"),
        ({"data": None}, "data must be a JSON object, not NoneType"),
        ({"data": {"n": float("nan")}}, "data is not JSON: "),
        ({"data": {"n": float("inf")}}, "data is not JSON: "),
        ({"data": {"n": print}}, "data is not JSON: Object of type builtin_function_or_method"),
        ({"data": {("a",): 1}}, "data is not JSON: keys must be"),
        ({"data": CYCLE}, "data is not JSON: Circular reference"),
        ({"data": {"text": "x" * MAX_DATA_BYTES}}, "data has 1,000,011 bytes of JSON; at most 1,000,000"),
        ({"data": {"text": "é" * (MAX_DATA_BYTES // 2)}}, "data has 1,000,011 bytes of JSON"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_enqueue_of_an_invalid_job_raises_with_the_reason(
    queue: Queue, job: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        queue.enqueue(**{"data": {}, **job})
    assert queue.counts().waiting == 0


def test_enqueue_of_the_largest_data_is_accepted(producer: Queue) -> None:
    text = "x" * (MAX_DATA_BYTES - len('{"text":""}'))
    producer.enqueue({"text": text}, id="a")
    job = producer.get("a")
    assert job is not None
    assert job.data == {"text": text}


def test_new_id_is_unique_and_sorts_by_time() -> None:
    ids = [new_id() for _ in range(1_000)]
    assert len({*ids}) == 1_000
    assert all(len(job_id) == 26 and is_valid_id(job_id) for job_id in ids)
    assert [job_id[:10] for job_id in ids] == sorted(job_id[:10] for job_id in ids)


def test_resume_ends_pause_and_hold(producer: Queue, redis: Redis) -> None:
    assert producer.gate() == Gate()
    producer.pause()
    producer.pause()
    assert producer.gate().paused
    redis.hset(
        producer.keys.gate, mapping={"heldUntil": round(time.time() * 1000) + 60_000, "heldReason": "slow"}
    )
    gate = producer.gate()
    assert 50_000 < gate.held_ms <= 60_100
    assert gate.reason == "slow"

    producer.resume()
    producer.resume()

    assert producer.gate() == Gate()


@pytest.mark.parametrize("held_until", ["1", "", "soon", "nan", "inf"])
def test_gate_with_an_expired_or_invalid_hold_is_open(producer: Queue, redis: Redis, held_until: str) -> None:
    redis.hset(producer.keys.gate, mapping={"heldUntil": held_until, "heldReason": "slow"})
    assert producer.gate() == Gate()


def test_gate_after_the_clock_was_set_back_has_times_as_long_as_they_were(
    producer: Queue, redis: Redis
) -> None:
    then = producer.now() + 3_600_000
    hold = {"heldUntil": then + 5_000, "heldSetAt": then, "heldReason": "slow"}
    outage = {"outOfService": "503", "service": "openai", "probeAt": then + 9_000, "probeSetAt": then}
    redis.hset(producer.keys.gate, mapping={**hold, **outage})
    gate = producer.gate()
    assert (gate.held_ms, gate.probe_ms) == (5_000, 9_000)


def test_cancel_returns_the_state_of_the_job(producer: Queue, redis: Redis) -> None:
    producer.enqueue({}, id="a")
    assert producer.cancel("a") == "cancelled"
    assert producer.cancel("a") == "cancelled"
    producer.enqueue({}, id="b")
    fail(producer, redis, "b")
    assert producer.cancel("b") == "failed"
    with pytest.raises(UnknownJob) as raised:
        producer.cancel("unknown")
    assert (raised.value.queue, raised.value.job_id) == ("tts", "unknown")


def test_dead_letters_can_be_listed_replayed_and_purged(producer: Queue, redis: Redis) -> None:
    for job_id in ("a", "b", "c"):
        producer.enqueue({}, id=job_id)
    fail(producer, redis, "a", "b", "c")

    dead = producer.dead_letters()
    assert [job.id for job in dead] == ["c", "b", "a"]
    assert (dead[0].reason, dead[0].error) == ("invalid", {"class": "E", "message": "m"})
    assert [job.id for job in producer.dead_letters(start=1, count=1)] == ["b"]

    assert producer.replay(["a", "b"]) == 2
    assert producer.purge(["c", "a"]) == 1
    assert producer.replay([]) == 0
    assert producer.dead_letters() == []
    assert producer.counts() == Counts(2, 0, 0, 0, 0, workers=1)
    assert producer.statistics() == {"enqueued": 3, "failed": 3, "replayed": 2}


def test_queues_and_prefixes_share_no_job(redis: Redis, key_prefix: str) -> None:
    queues = [Queue("tts", redis, key_prefix), Queue("evaluation", redis, key_prefix)]
    queues.append(Queue("tts", redis, f"{key_prefix}-other"))
    for number, queue in enumerate(queues):
        queue.enqueue({"n": number}, id="a")
    assert [queue.get("a").data for queue in queues if queue.get("a")] == [{"n": 0}, {"n": 1}, {"n": 2}]  # type: ignore[union-attr] # the condition sees to it


def test_replay_and_purge_find_jobs_anywhere_in_a_long_list(producer: Queue, redis: Redis) -> None:
    ids = [f"d{number}" for number in range(60_000)]  # the oldest first
    with redis.pipeline() as pipeline:
        for job_id in (*ids[:5], "d1500", "d1501", *ids[30_000:30_003], "d40000", *ids[-2:]):
            pipeline.hset(producer.keys.job(job_id), mapping={"state": "failed", "data": "{}"})
        pipeline.lpush(producer.keys.dead, *ids)
        pipeline.execute()

    assert producer.call("purge", "d30000", "d30001") == [2]
    # A call leaves to the next one those of the other half, and those behind one that was hard to find.
    assert producer.call("replay", "d0", "d30002", "none", "d1") == [1, 1]
    assert producer.call("replay", "d30002", "none", "d1") == [1, 1]
    assert producer.replay(["d59999", "d1500", "d2", "d1500", "d40000", "none", "d3"]) == 5
    assert producer.purge(["d59998", "d1501", "d4"]) == 3
    moved = ["d0", "d30002", "d59999", "d1500", "d2", "d40000", "d3"]
    gone = {*moved, "d30000", "d30001", "d59998", "d1501", "d4"}
    left = [job_id for job_id in ids if job_id not in gone]
    assert redis.lrange(producer.keys.dead, 0, -1)[::-1] == left
    assert [job.id for job in producer.jobs("waiting")] == moved


def test_dead_letter_that_is_not_utf8_has_surrogates(redis_url: str, key_prefix: str) -> None:
    with Redis.from_url(redis_url) as client:
        queue = Queue("tts", client, key_prefix)
        client.lpush(queue.keys.wait, b"\xff\xfe")
        queue.enqueue({}, id="a")

        (dead,) = queue.dead_letters()

    assert (dead.reason, dead.raw_data, dead.data) == ("malformed", "\udcff\udcfe", None)
    assert dead.to_dict()["data"] == "\udcff\udcfe"
