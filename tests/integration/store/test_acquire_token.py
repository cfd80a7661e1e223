"""spend and confirm: a running job that makes more than one paid request, or an effect that stays."""

from __future__ import annotations

import pytest

from .failing import failing
from .redis_state import NOW, RedisState, State
from .state_table import HOST, Row, row_name, started

#: Slot 0 runs the job.
RUNS: State = {**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}}
OURS = ("a", "host:0", 1)
LIMIT = (2, 1_000)


def test_every_request_spends_a_token(redis_state: RedisState) -> None:
    redis_state.write({**RUNS, "tokens": {f"a#1#{NOW}": NOW}})
    assert redis_state.call("acquire_token", *OURS, *LIMIT) == ["ok"]
    assert redis_state.read()["tokens"] == {f"a#1#{NOW}": NOW, f"a#1#1#{NOW}": NOW}


def test_without_a_token_the_slot_reserves_one_and_waits(redis_state: RedisState) -> None:
    redis_state.write({**RUNS, "tokens": {"x": NOW - 400, "y": NOW - 300}})
    assert redis_state.call("acquire_token", *OURS, *LIMIT) == ["wait", 600]
    assert redis_state.read()["reservations"] == {"host:0": NOW + 600}
    assert redis_state.call("acquire_token", *OURS, *LIMIT, now=NOW + 600) == ["ok"]
    assert "reservations" not in redis_state.read()


def test_starts_and_further_requests_share_the_limit(redis_state: RedisState) -> None:
    redis_state.write(RUNS)
    assert [redis_state.call("acquire_token", *OURS, *LIMIT)[0] for _ in range(2)] == ["ok", "ok"]
    redis_state.push("{}")
    redis_state.take("host:1")
    assert redis_state.call("claim", "host", 1, 15_000, *LIMIT, 0) == ["wait", 1_000]


TABLE = [
    Row(
        "spend: a held queue is waited for",
        given={**RUNS, "gate": {"heldUntil": NOW + 700, "heldReason": "slow down"}},
        call=("acquire_token", *OURS, *LIMIT),
        reply=["wait", 700],
    ),
    Row("confirm: it is ours", given=RUNS, call=("check_lease", *OURS), reply=["ok"]),
    Row("confirm: another slot's", given=RUNS, call=("check_lease", "a", "host:1", 1), reply=["lost"]),
    Row("confirm: an earlier attempt's", given=RUNS, call=("check_lease", "a", "host:0", 0), reply=["lost"]),
    Row(
        "spend: another slot's", given=RUNS, call=("acquire_token", "a", "host:1", 1, *LIMIT), reply=["lost"]
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_spend_and_confirm(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)


def test_without_a_limit_nothing_is_spent(redis_state: RedisState) -> None:
    redis_state.write(RUNS)
    assert redis_state.call("acquire_token", *OURS, 0, 0) == ["ok"]
    assert "tokens" not in redis_state.read()


@pytest.mark.parametrize("end", [("retry", *failing("{}", "unknown", 3, 1_000, 0)), ("release", 0, "")])
def test_a_job_that_ends_while_it_waits_gives_its_reservation_back(
    redis_state: RedisState, end: tuple[str | int, ...]
) -> None:
    redis_state.write({**RUNS, "reservations": {"host:0": NOW + 600}})
    name, *rest = end
    redis_state.call(str(name), *OURS, *rest)
    assert "reservations" not in redis_state.read()
