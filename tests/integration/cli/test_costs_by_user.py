"""`costs --by user`: more users than are shown, over several days and queues."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.reading.spending import today

from .conftest import Run

CENT = 10_000_000


def spend(queue: Queue, days_ago: int, measure: str, amounts: Mapping[str, int]) -> None:
    """Add to the sums of users on a day."""
    day = (today(queue) - timedelta(days_ago)).isoformat()
    queue.redis.zadd(f"{queue.keys.spent_on(day)}:users:{measure}", dict(amounts))


@pytest.fixture
def evaluation(redis: Redis, key_prefix: str) -> Queue:
    return Queue("evaluation", redis, key_prefix)


def lines(run: Run, *words: str) -> list[str]:
    shown = run("costs", "--by", "user", *words, QUEUES="tts,evaluation").stdout.splitlines()
    return [
        line.partition(":")[0] if ":" in line else " ".join(line.split()[:3])
        for line in shown
        if not line.startswith(("USER ", "total"))
    ]


@pytest.mark.parametrize(
    ("limit", "last"), [("1", "and at least 4 more"), ("2", "and at least 3 more"), ("9", "u4 0 $0.01")]
)
def test_costs_by_user_do_not_count_fewer_users_than_there_are(
    run: Run, tts: Queue, limit: str, last: str
) -> None:
    spend(tts, 0, "nano", {f"u{number}": (5 - number) * CENT for number in range(5)})
    assert lines(run, "--limit", limit)[-1] == last


def test_costs_by_user_count_the_users_whom_they_leave_out_of_all_that_were_read(
    run: Run, tts: Queue, evaluation: Queue
) -> None:
    spend(tts, 0, "nano", {"a": 3 * CENT, "b": 2 * CENT})
    spend(evaluation, 0, "nano", {"c": CENT, "a": CENT})
    assert lines(run, "--limit", "2") == ["a 0 $0.04", "b 0 $0.02", "and 1 more"]


def test_costs_by_user_sum_all_days_also_those_on_which_others_spent_more(
    run: Run, tts: Queue, evaluation: Queue
) -> None:
    spend(tts, 0, "nano", {"a": 9 * CENT, "b": CENT})
    spend(tts, 0, "calls", {"a": 2, "b": 1})
    spend(tts, 1, "nano", {"a": 2 * CENT, "b": 3 * CENT})
    spend(tts, 1, "unknown", {"a": 500, "b": 600})
    spend(evaluation, 1, "nano", {"a": CENT, "c": 2 * CENT})
    row = json.loads(
        run(
            "costs", "--by", "user", "--since", "2d", "--limit", "1", "--json", QUEUES="tts,evaluation"
        ).stdout
    )
    assert (row["user"], row["nano"], row["calls"], row["unknown"]) == ("a", 12 * CENT, 2, 500)


def test_costs_by_user_show_users_whose_requests_have_no_price(run: Run, tts: Queue) -> None:
    spend(tts, 0, "calls", {"a": 2})
    assert lines(run) == ["a 2 $0.00"]


def test_costs_by_user_show_a_user_who_is_called_total(run: Run, tts: Queue) -> None:
    spend(tts, 0, "nano", {"total": CENT})
    rows = run("costs", "--by", "user", QUEUES="tts").stdout.splitlines()[1:]
    assert [row.split()[:3] for row in rows] == [["total", "0", "$0.01"], ["total", "0", "$0.00"]]
