"""The budget: what is reserved before a paid request, and settled after it."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from preppath_workers.store.keys import Keys
from preppath_workers.store.scripts import Caller

#: 2026-11-30, 23:59:50, the last day of a month.
NOW = 1_796_083_190_000
DAY, MONTH = "2026-11-30", "2026-11"


class BudgetState:
    """The budget of one prefix, with a clock that only the test moves."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self.redis = redis
        self.keys = Keys(prefix, "budget")
        self.now = NOW

    def call(self, name: str, *arguments: str | int) -> Any:
        return Caller(self.redis, self.keys.base, str(self.now))(name, *arguments)

    def reserve(
        self, call_id: str, worst: int, day: int | str = "", month: int | str = "", soft: int | str = "",
        user: int | str = "",
    ) -> Any:  # fmt: skip
        """Reserve for all and for the user u1, with these caps; `soft` is that of the day for all."""
        scopes = ("all", day, soft, month, "", "user u1", user, "", "", "")
        return self.call("reserve", call_id, worst, "tts", "a", 1, *scopes)

    def settle(self, call_id: str, cost: str | int) -> int:
        (settled,) = self.call("settle_reservations", call_id, cost)
        return int(settled)

    def sums(self, period: str = DAY, scope: str = "all") -> dict[str, int]:
        stored = self.redis.hgetall(self.keys.budget(period))
        names = ("spent", "reserved", "unknown")
        found = {name: int(stored.get(f"{name} {scope}", 0)) for name in names}
        return {name: amount for name, amount in found.items() if amount}


@pytest.fixture
def budget(text_redis: Redis, key_prefix: str) -> BudgetState:
    return BudgetState(text_redis, key_prefix)


def test_reserve_fits_exactly_and_not_a_nano_dollar_more(budget: BudgetState) -> None:
    assert budget.reserve("c1", 60, day=100) == ["ok", NOW]
    assert budget.reserve("c2", 41, day=100) == ["wait"]
    assert budget.reserve("c2", 40, day=100) == ["ok", NOW]
    assert budget.sums() == budget.sums(MONTH) == budget.sums(scope="user u1") == {"reserved": 100}


def test_reserve_sent_again_reserves_once(budget: BudgetState) -> None:
    budget.reserve("c1", 60, day=100)
    budget.now += 5
    assert budget.reserve("c1", 60, day=100) == ["ok", NOW]
    assert budget.sums() == {"reserved": 60}


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (25, {"spent": 25}),
        (0, {}),
        ("void", {}),
        ("worst", {"spent": 60}),
        ("unknown", {"unknown": 60}),
    ],
)
def test_settle_counts_the_cost_once(budget: BudgetState, cost: str | int, expected: dict[str, int]) -> None:
    budget.reserve("c1", 60)
    assert budget.settle("c1", cost) == 1
    assert budget.settle("c1", cost) == 0
    assert budget.sums() == budget.sums(MONTH) == budget.sums(scope="user u1") == expected
    assert budget.redis.zcard(budget.keys.budget("open")) == 0


@pytest.mark.parametrize(("late", "expected"), [(25, {"spent": 25}), ("void", {})])
def test_late_cost_replaces_an_unknown_one(
    budget: BudgetState, late: str | int, expected: dict[str, int]
) -> None:
    budget.reserve("c1", 60)
    budget.settle("c1", "unknown")
    assert budget.settle("c1", late) == 1
    assert budget.sums() == expected


def test_unknown_cost_counts_against_the_cap_and_stays_in_the_month_when_that_is_over(
    budget: BudgetState,
) -> None:
    budget.reserve("c1", 60, day=100)
    budget.settle("c1", "unknown")
    assert budget.reserve("c2", 41, day=100)[:3] == ["over", "all", "day"]
    budget.now += 10_000
    assert budget.call("open_reservations", 0, 10) == []
    assert budget.redis.hlen(budget.keys.budget("reserved")) == 0
    assert budget.settle("c1", 25) == 0
    assert budget.sums(MONTH) == {"unknown": 60}


def test_unknown_cost_that_is_learned_after_its_day_changes_the_month_alone(budget: BudgetState) -> None:
    budget.now = NOW - 10 * 86_400_000
    budget.reserve("c1", 60)
    budget.settle("c1", "unknown")
    budget.redis.delete(budget.keys.budget("2026-11-20"))  # it has expired
    budget.now = NOW
    assert budget.call("open_reservations", 0, 10) == []
    assert budget.settle("c1", 25) == 1
    assert (budget.sums("2026-11-20"), budget.sums(MONTH)) == ({}, {"spent": 25})


def test_reserve_over_a_cap_names_its_scope_and_the_ms_left(budget: BudgetState) -> None:
    budget.reserve("c1", 60)
    budget.settle("c1", 60)
    assert budget.reserve("c2", 50, day=100) == ["over", "all", "day", 10_000]
    assert budget.reserve("c2", 50, user=100) == ["over", "user u1", "day", 10_000]
    budget.now = NOW - 86_400_000
    assert budget.reserve("c2", 50, month=100) == ["over", "all", "month", 86_410_000]
    assert budget.reserve("c2", 101, day=100) == ["never", "all", "day"]
    assert budget.sums(MONTH) == {"spent": 60}


def test_cap_of_0_stops_spending_and_ends_no_job(budget: BudgetState) -> None:
    assert budget.reserve("c1", 60, day=0) == ["over", "all", "day", 10_000]
    assert budget.reserve("c1", 60, user=0) == ["over", "user u1", "day", 10_000]
    assert budget.reserve("c1", 0, day=0) == ["ok", NOW]  # what is free


def test_reserve_on_the_next_day_has_that_day_s_cap(budget: BudgetState) -> None:
    budget.reserve("c1", 100, day=100)
    budget.now += 10_000
    assert budget.reserve("c2", 100, day=100, month=100) == ["ok", budget.now]
    assert budget.sums("2026-12-01") == budget.sums("2026-12") == {"reserved": 100}
    budget.settle("c1", 30)  # counts for the day on which it was reserved
    assert budget.sums() == {"spent": 30}


def test_soft_cap_is_reported_once_a_day(budget: BudgetState) -> None:
    assert budget.reserve("c1", 50, soft=60) == ["ok", NOW]
    reached = budget.reserve("c2", 50, soft=60)
    assert reached == ["ok", NOW, "day all"]
    assert budget.reserve("c2", 50, soft=60) == reached, "sent again, as after a lost answer"
    assert budget.reserve("c3", 50, soft=60) == ["ok", NOW]


def test_open_reservations_are_returned_one_after_the_other_until_settled(budget: BudgetState) -> None:
    budget.reserve("c1", 1)
    budget.now += 1_000
    budget.reserve("c2", 1)
    budget.now += 9_000
    assert budget.call("open_reservations", 10_000, 1)[0] == "c1"
    assert budget.call("open_reservations", 10_000, 1) == []
    budget.now += 1_000
    assert budget.call("open_reservations", 10_000, 1)[0] == "c2"
