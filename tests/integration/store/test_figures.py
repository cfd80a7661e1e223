"""What the scripts count for metrics: how long jobs wait and run, causes of failures, the last minutes."""

from __future__ import annotations

from typing import Any

from preppath_workers import Queue
from preppath_workers.store import durations
from preppath_workers.store.consuming.outcome import Completed, Failed, Finished, Outcome, Released
from preppath_workers.store.durations import BOUNDS, AttemptTimes, Histogram
from preppath_workers.store.reading.history import KEPT, read_history

from .consumer_steps import OpenConsumer, next_job
from .redis_state import NOW, RedisState
from .state_table import HOST, started

SERVICE = Failed('{"class":"ServiceUnavailable","message":"503"}', "service", "openai", "503")


def test_attempt_is_counted_by_how_long_it_waited_and_ran(
    open_consumer: OpenConsumer, queue: Queue, redis: Any
) -> None:
    consumer = open_consumer(retries=0)

    def run(outcome: Outcome, run_ms: int) -> None:
        queue.enqueue({})
        consumer.settle(Finished(next_job(consumer), outcome, run_ms))

    run(Completed("{}"), 900)
    run(Completed("{}"), 1_000)
    run(Completed("{}"), 70_000)
    run(Failed('{"class":"E","message":"m"}', "permanent"), 20_000)
    run(Released(), 9_000)
    found = queue.durations()

    completed, failed = found["completed"], found["failed"]
    assert dict(completed.run.cumulative())["0.5"] == 0
    assert [count for _, count in completed.run.cumulative()[3:]] == [2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3]
    assert (completed.wait.count, completed.run.count, failed.run.count) == (3, 3, 1)
    assert failed.run.total == 20
    assert queue.statistics()["completed"] == 3


def test_sums_are_sent_once_a_second_and_miss_nothing(monkeypatch: Any) -> None:
    clock = iter([100.0, 100.5, 100.9, 101.0, 101.5])
    monkeypatch.setattr(durations, "monotonic", lambda: next(clock))
    times = AttemptTimes()

    assert [times.words("completed", 200, 4_000) for _ in range(4)] == [
        ("completed:0.25:5", "200", "4000"),
        ("completed:0.25:5",),
        ("completed:0.25:5",),
        ("completed:0.25:5", "600", "12000"),
    ]
    assert times.words("failed", 0, 3_600_001) == ("failed:0.1:inf", "0", "3600001")


def test_completion_that_is_settled_again_is_counted_once(redis_state: RedisState) -> None:
    redis_state.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}})
    settle = ("complete", "a", "host:0", 1, "{}", 60_000, 10, "completed:1:30", 700, 12_000)

    assert [redis_state.call(*settle) for _ in range(2)] == [["completed"]] * 2
    assert redis_state.redis.hgetall(redis_state.keys.durations) == {
        "completed:1:30": "1",
        "completed:waitMs": "700",
        "completed:runMs": "12000",
    }


def test_quantile_is_estimated_within_its_bucket() -> None:
    seconds = Histogram(tuple(10 if bound == 5 else 0 for bound in (*BOUNDS, 0)))

    assert (seconds.quantile(0.5), seconds.quantile(1)) == (3.75, 5)
    assert Histogram((0,) * 14).quantile(0.5) is None
    assert Histogram((0,) * 13 + (4,)).quantile(0.5) == BOUNDS[-1]


def test_failures_are_counted_by_what_became_of_the_job_and_the_class(
    open_consumer: OpenConsumer, queue: Queue, redis: Any
) -> None:
    consumer = open_consumer(retries=1, backoff=0.0)
    queue.enqueue({})

    for _ in range(2):
        consumer.settle(Finished(next_job(consumer), Failed(SERVICE.error, "paid", "openai", "503"), 1))

    assert queue.causes() == {
        ("retried", "", "ServiceUnavailable"): 1,
        ("dead", "retries", "ServiceUnavailable"): 1,
    }


def test_causes_are_bounded_whatever_classes_errors_have(redis_state: RedisState) -> None:
    redis_state.redis.hset(redis_state.keys.causes, mapping={f"retried:E{n}": 1 for n in range(200)})
    redis_state.write({**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}})

    failure = ("not JSON", "permanent", "", "m", 3, 1000, 1000, "0", 0, 1000, 1000)
    redis_state.call("retry", "a", "host:0", 1, *failure)

    assert redis_state.redis.hget(redis_state.keys.causes, "dead:permanent:other") == "1"
    assert redis_state.redis.hlen(redis_state.keys.causes) == 201


def test_history_shows_what_happened_in_each_minute(redis_state: RedisState, queue: Queue) -> None:
    redis, keys, minute = redis_state.redis, queue.keys, 60_000

    def note(now: int) -> int:
        (stored,) = redis_state.call("note_minute", KEPT, now=now)
        return int(stored)

    assert [note(NOW), note(NOW + 1)] == [1, 0]
    redis.hset(keys.durations, mapping={"completed:1:30": 4, "completed:5:60": 1, "completed:runMs": 9})
    redis.hset(keys.stats, mapping={"completed": 2, "failed": 1})
    note(NOW + minute)
    note(NOW + 2 * minute)
    redis.lpush(keys.history, "junk")
    found = read_history(queue)

    assert [(each.completed, each.failed) for each in found.minutes] == [(7, 1), (0, 0)]
    assert [each.at for each in found.minutes] == [NOW // minute * minute, NOW // minute * minute + minute]
    assert (found.run.count, found.run.quantile(0.5)) == (5, 22.5)


def test_history_is_bounded_and_survives_a_clock_that_is_set_back(
    redis_state: RedisState, queue: Queue
) -> None:
    for number in (*range(KEPT + 5), 3):
        redis_state.call("note_minute", KEPT, now=NOW + number * 60_000)

    assert redis_state.redis.llen(queue.keys.history) == KEPT
    assert len(read_history(queue, 10_000).minutes) == KEPT - 1
