"""spend and confirm: a running job that makes more than one paid request, or an effect that stays."""

from __future__ import annotations

import pytest

from .bench import NOW, Bench, State
from .failing import failing
from .table import HOST, Row, row_name, started

#: Slot 0 runs the job.
RUNS: State = {**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}}
OURS = ("a", "host:0", 1)
LIMIT = (2, 1_000)


def test_every_request_spends_a_token(bench: Bench) -> None:
    bench.write({**RUNS, "tokens": {f"a#1#{NOW}": NOW}})
    assert bench.call("spend", *OURS, *LIMIT) == ["ok"]
    assert bench.read()["tokens"] == {f"a#1#{NOW}": NOW, f"a#1#1#{NOW}": NOW}


def test_without_a_token_the_slot_reserves_one_and_waits(bench: Bench) -> None:
    bench.write({**RUNS, "tokens": {"x": NOW - 400, "y": NOW - 300}})
    assert bench.call("spend", *OURS, *LIMIT) == ["wait", 600]
    assert bench.read()["reserved"] == {"host:0": NOW + 600}
    assert bench.call("spend", *OURS, *LIMIT, now=NOW + 600) == ["ok"]
    assert "reserved" not in bench.read()


def test_starts_and_further_requests_share_the_limit(bench: Bench) -> None:
    bench.write(RUNS)
    assert [bench.call("spend", *OURS, *LIMIT)[0] for _ in range(2)] == ["ok", "ok"]
    bench.push("{}")
    bench.take("host:1")
    assert bench.call("claim", "host", 1, 15_000, *LIMIT, 0) == ["wait", 1_000]


TABLE = [
    Row(
        "spend: a held queue is waited for",
        given={**RUNS, "meta": {"heldUntil": NOW + 700, "heldReason": "slow down"}},
        call=("spend", *OURS, *LIMIT),
        reply=["wait", 700],
    ),
    Row("confirm: it is ours", given=RUNS, call=("confirm", *OURS), reply=["ok"]),
    Row("confirm: another slot's", given=RUNS, call=("confirm", "a", "host:1", 1), reply=["lost"]),
    Row("confirm: an earlier attempt's", given=RUNS, call=("confirm", "a", "host:0", 0), reply=["lost"]),
    Row("spend: another slot's", given=RUNS, call=("spend", "a", "host:1", 1, *LIMIT), reply=["lost"]),
]


@pytest.mark.parametrize("row", TABLE, ids=row_name)
def test_spend_and_confirm(bench: Bench, row: Row) -> None:
    row.check(bench)


def test_without_a_limit_nothing_is_spent(bench: Bench) -> None:
    bench.write(RUNS)
    assert bench.call("spend", *OURS, 0, 0) == ["ok"]
    assert "tokens" not in bench.read()


@pytest.mark.parametrize("end", [("retry", *failing("{}", "unknown", 3, 1_000, 0)), ("release", 0, "")])
def test_a_job_that_ends_while_it_waits_gives_its_reservation_back(
    bench: Bench, end: tuple[str | int, ...]
) -> None:
    bench.write({**RUNS, "reserved": {"host:0": NOW + 600}})
    name, *rest = end
    bench.call(str(name), *OURS, *rest)
    assert "reserved" not in bench.read()
