"""claim with a rate limit: the token bucket and its reservations."""

from __future__ import annotations

import pytest

from .failing import failing
from .redis_state import NOW, RedisState, State
from .state_table import Fields, Row, row_name, waiting

#: At most 2 starts in any 1,000 ms.
CLAIM = ("claim", "host", 0, 15_000, 2, 1_000, 60_000)

#: A slot with a job in flight.
IN_FLIGHT: State = {
    "instances": {"host": NOW + 15_000},
    "instance": {"host": {"slots": 9}},
    "active": {"host:0": ["a"]},
    "jobs": {"a": waiting()},
}

START: Fields = {"state": "active", "workerId": "host:0", "startedAt": NOW, "fencingToken": 1, "attempts": 1}
SPENT = f"a#1#{NOW}"


def starts(name: str, given: State, changes: State) -> Row:
    return Row(
        name,
        given={**IN_FLIGHT, **given},
        call=CLAIM,
        reply=["job", "a"],
        changes={"jobs": {"a": START}, **changes},
    )


def waits(name: str, given: State, ms: int, changes: State | None = None) -> Row:
    """A claim that waits for a token that is free in `ms`, one duration at most."""
    changes = {"reservations": {"host:0": NOW + ms}} if changes is None else changes
    reply = ["wait", min(ms, 1_000)]
    return Row(name, given={**IN_FLIGHT, **given}, call=CLAIM, reply=reply, changes=changes)


TABLE = [
    starts("a full bucket", {}, {"tokens": {SPENT: NOW}}),
    starts("one token is left", {"tokens": {"x#1": NOW}}, {"tokens": {SPENT: NOW}}),
    waits(
        "an empty bucket: until the first token is free",
        {"tokens": {"x#1": NOW - 600, "y#1": NOW - 100}},
        400,
    ),
    starts(
        "a token is free exactly one duration after its use",
        {"tokens": {"x#1": NOW - 1_000, "y#1": NOW - 999}},
        {"tokens": {SPENT: NOW, "x#1": None}},
    ),
    waits("one millisecond before that is too early", {"tokens": {"x#1": NOW - 999, "y#1": NOW - 998}}, 1),
    waits(
        "one reservation ahead: until the second token is free",
        {"tokens": {"x#1": NOW - 600, "y#1": NOW - 100}, "reservations": {"host:1": NOW + 400}},
        900,
    ),
    waits(
        "as many reservations ahead as tokens: one duration after the first",
        {
            "tokens": {"x#1": NOW - 600, "y#1": NOW - 100},
            "reservations": {"host:1": NOW + 400, "host:2": NOW + 900},
        },
        1_400,
    ),
    waits(
        "more reservations than tokens: one duration after the last but one",
        {
            "tokens": {"x#1": NOW - 600, "y#1": NOW - 100},
            "reservations": {"host:1": NOW + 400, "host:2": NOW + 900, "host:3": NOW + 1_400},
        },
        1_900,
    ),
    waits(
        "overdue reservations ahead: they may start now",
        {"reservations": {"host:1": NOW - 300, "host:2": NOW - 200}},
        1_000,
    ),
    starts(
        "an overdue reservation ahead, and another token is free",
        {"reservations": {"host:1": NOW - 300}},
        {"tokens": {SPENT: NOW}},
    ),
    waits(
        "reserved, and not yet due: the same time again",
        {"tokens": {"x#1": NOW - 600, "y#1": NOW - 100}, "reservations": {"host:0": NOW + 400}},
        400,
        {},
    ),
    starts(
        "reserved, and now due",
        {"tokens": {"x#1": NOW - 1_000, "y#1": NOW - 500}, "reservations": {"host:0": NOW}},
        {"tokens": {SPENT: NOW, "x#1": None}, "reservations": None},
    ),
    starts(
        "reserved and due, with later reservations",
        {
            "tokens": {"x#1": NOW - 1_000, "y#1": NOW - 500},
            "reservations": {"host:0": NOW, "host:1": NOW + 500, "host:2": NOW + 1_000},
        },
        {"tokens": {SPENT: NOW, "x#1": None}, "reservations": {"host:0": None}},
    ),
    waits(
        "reserved, but the starts ahead were late: the reservation moves",
        {"tokens": {"x#1": NOW - 700, "y#1": NOW - 100}, "reservations": {"host:0": NOW - 5}},
        300,
        {"reservations": {"host:0": NOW + 300}},
    ),
    waits(
        "the clock was set back: a start in the future counts as now",
        {"tokens": {"x#1": NOW + 3_600_000, "y#1": NOW - 100}, "reservations": {"host:1": NOW + 3_600_500}},
        900,
        {
            "tokens": {"x#1": NOW},
            "reservations": {"host:0": NOW + 900, "host:1": None},
        },
    ),
    waits(
        "the clock was set back: the reservation is made again",
        {"tokens": {"x#1": NOW - 200, "y#1": NOW - 100}, "reservations": {"host:0": NOW + 3_600_000}},
        800,
        {"reservations": {"host:0": NOW + 800}},
    ),
    Row(
        "an empty slot: the reservation is removed",
        given={**IN_FLIGHT, "active": {}, "jobs": {}, "reservations": {"host:0": NOW + 400}},
        call=CLAIM,
        reply=["none"],
        changes={"reservations": None},
    ),
    waits(
        "paused: no token is used or reserved",
        {"gate": {"paused": 1}, "tokens": {"x#1": NOW, "y#1": NOW}},
        1_000,
        {},
    ),
    Row(
        "a started job after a lost reply: no second token",
        given={**IN_FLIGHT, "jobs": {"a": {**waiting(), **START}}, "tokens": {SPENT: NOW - 500}},
        call=CLAIM,
        reply=["job", "a"],
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_claim_with_a_rate_limit_starts_or_reserves(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


def test_reservations_are_in_order_and_a_removed_one_is_free_again(redis_state: RedisState) -> None:
    for number in range(6):
        redis_state.call("enqueue", f"j{number}", "{}", 50, 0)
        redis_state.take(f"host:{number}")
    replies = [redis_state.call("claim", "host", slot, 15_000, 2, 1_000, 60_000) for slot in range(6)]
    assert replies == [
        ["job", "j0"], ["job", "j1"],
        ["wait", 1_000], ["wait", 1_000], ["wait", 1_000], ["wait", 1_000],
    ]  # fmt: skip

    redis_state.call("recover", "host:5", "0", 3)
    redis_state.take("host:6")

    assert redis_state.call("claim", "host", 6, 15_000, 2, 1_000, 60_000) == ["wait", 1_000]
    assert redis_state.read()["reservations"] == {
        "host:2": NOW + 1_000, "host:3": NOW + 1_000, "host:4": NOW + 2_000, "host:6": NOW + 2_000,
    }  # fmt: skip


def test_claim_of_a_new_job_with_an_old_id_uses_a_token(redis_state: RedisState) -> None:
    """Its fencing token starts again; the start must not replace the earlier one in the window."""
    for moment in (NOW, NOW + 1):
        redis_state.call("enqueue", "a", "{}", 50, 0, now=moment)
        redis_state.take("host:0")
        assert redis_state.call(*CLAIM, now=moment)[0] == "job"
        redis_state.call("retry", "a", "host:0", 1, *failing("{}", "invalid", 0, 0, 0), now=moment)
        redis_state.call("purge", "a", now=moment)

    redis_state.call("enqueue", "a", "{}", 50, 0, now=NOW + 2)
    redis_state.take("host:0")
    assert redis_state.call(*CLAIM, now=NOW + 2) == ["wait", 998]


def test_claim_behind_reservations_of_a_clock_that_was_set_back_starts_when_a_token_is_free(
    redis_state: RedisState,
) -> None:
    far = {"host:1": NOW + 3_600_000, "host:2": NOW + 3_600_000}
    redis_state.write({**IN_FLIGHT, "tokens": {"x#1": NOW - 200, "y#1": NOW - 100}, "reservations": far})

    assert redis_state.call(*CLAIM) == ["wait", 1_000]
    assert redis_state.read()["reservations"]["host:0"] == NOW + 2_000
    assert redis_state.call(*CLAIM) == ["wait", 800]
    assert redis_state.call(*CLAIM, now=NOW + 800)[0] == "job"


@pytest.mark.parametrize(("old", "left"), [(49, 50), (50, 1)])
def test_claim_at_each_fiftieth_start_deletes_old_ones(redis_state: RedisState, old: int, left: int) -> None:
    starts = {f"x#{number}": NOW - 5_000 for number in range(old)}
    redis_state.write({**IN_FLIGHT, "tokens": starts})
    assert redis_state.call("claim", "host", 0, 15_000, 1_000, 1_000, 60_000)[0] == "job"
    assert len(redis_state.read()["tokens"]) == left


def test_claim_behind_a_reservation_waits_although_tokens_are_left(redis_state: RedisState) -> None:
    """Three tokens, one of which another slot has reserved and not yet acquired."""
    used, reserved = {f"x#{number}": NOW - 900 for number in range(2)}, {"host:1": NOW - 5}
    redis_state.write({**IN_FLIGHT, "tokens": used, "reservations": reserved})
    assert redis_state.call("claim", "host", 0, 15_000, 3, 1_000, 60_000) == ["wait", 100]
