"""acquire_token and check_lease: further paid requests and lasting effects of a running job."""

from __future__ import annotations

import pytest

from .failing import failing
from .redis_state import NOW, RedisState
from .state_table import HELD, RUNS, Row, row_name

LIMIT = (2, 1_000)


def test_acquire_token_with_a_free_token_records_it(redis_state: RedisState) -> None:
    redis_state.write({**RUNS, "tokens": {f"a#1#{NOW}": NOW}})
    assert redis_state.call("acquire_token", *HELD, *LIMIT) == ["ok"]
    assert redis_state.read()["tokens"] == {f"a#1#{NOW}": NOW, f"a#1#1#{NOW}": NOW}


def test_acquire_token_without_a_free_token_reserves_one(redis_state: RedisState) -> None:
    redis_state.write({**RUNS, "tokens": {"x": NOW - 400, "y": NOW - 300}})
    assert redis_state.call("acquire_token", *HELD, *LIMIT) == ["wait", 600]
    assert redis_state.read()["reservations"] == {"host:0": NOW + 600}
    assert redis_state.call("acquire_token", *HELD, *LIMIT, now=NOW + 600) == ["ok"]
    assert "reservations" not in redis_state.read()


def test_acquire_token_and_claim_share_the_limit(redis_state: RedisState) -> None:
    redis_state.write(RUNS)
    assert [redis_state.call("acquire_token", *HELD, *LIMIT)[0] for _ in range(2)] == ["ok", "ok"]
    redis_state.push("{}")
    redis_state.take("host:1")
    assert redis_state.call("claim", "host", 1, 15_000, *LIMIT, 0) == ["wait", 1_000]


TABLE = [
    Row(
        "acquire_token: the queue is held",
        given={**RUNS, "gate": {"heldUntil": NOW + 700, "heldReason": "slow down"}},
        call=("acquire_token", *HELD, *LIMIT),
        reply=["wait", 700],
    ),
    Row("check_lease: this attempt has the job", given=RUNS, call=("check_lease", *HELD), reply=["ok"]),
    Row(
        "check_lease: another slot has the job",
        given=RUNS,
        call=("check_lease", "a", "host:1", 1),
        reply=["lost"],
    ),
    Row(
        "check_lease: a later attempt has the job",
        given=RUNS,
        call=("check_lease", "a", "host:0", 0),
        reply=["lost"],
    ),
    Row(
        "acquire_token: another slot has the job",
        given=RUNS,
        call=("acquire_token", "a", "host:1", 1, *LIMIT),
        reply=["lost"],
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_acquire_token_and_check_lease_in_each_state_reply(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


def test_acquire_token_without_a_limit_records_none(redis_state: RedisState) -> None:
    redis_state.write(RUNS)
    assert redis_state.call("acquire_token", *HELD, 0, 0) == ["ok"]
    assert "tokens" not in redis_state.read()


@pytest.mark.parametrize("end", [("retry", *failing("{}", "unknown", 3, 1_000, 0)), ("release", 0, "")])
def test_settle_of_a_job_with_a_reservation_removes_it(
    redis_state: RedisState, end: tuple[str | int, ...]
) -> None:
    redis_state.write({**RUNS, "reservations": {"host:0": NOW + 600}})
    name, *rest = end
    redis_state.call(str(name), *HELD, *rest)
    assert "reservations" not in redis_state.read()
