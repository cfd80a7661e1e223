"""heartbeat: leases, and what the first one stores for the queue."""

from __future__ import annotations

import pytest

from .redis_state import NOW, RedisState
from .state_table import KNOWN, UNLIMITED, Row, row_name

#: What a renewal returns and changes if the queue had no epoch: epoch, time and length of a loss, layout.
FIRST_EPOCH, ADVANCED = (1, 0, 0, "1"), {"meta": {"epoch": 1, "epochAt": NOW}}

HEARTBEAT = [
    Row(
        "a renewal returns the ms until the first other lease ends",
        given={
            "instances": {"host": NOW + 3, "soon": NOW + 7, "later": NOW + 9},
            "instance": {"host": {"gone": 1}},
        },
        call=("renew", "host", 15_000, 0, 0),
        reply=[NOW, 7, *FIRST_EPOCH],
        changes={"instances": {"host": NOW + 15_000}, "instance": {"host": None}, **ADVANCED},
        again=[],  # it has been renewed in this millisecond
    ),
    Row(
        "a renewal beside an expired lease returns 0",
        given={"instances": {"host": NOW + 30_000, "over": NOW - 7}},
        call=("renew", "host", 15_000, 0, 0),
        reply=[NOW, 0, *FIRST_EPOCH],
        changes={"instances": {"host": NOW + 15_000}, **ADVANCED},
        again=[],
    ),
    Row(
        "a renewal of the only instance returns -1",
        given={"instances": {"host": NOW + 3}},
        call=("renew", "host", 15_000, 0, 0),
        reply=[NOW, -1, *FIRST_EPOCH],
        changes={"instances": {"host": NOW + 15_000}, **ADVANCED},
        again=[],
    ),
    Row(
        "a renewal advances the epoch",
        given={
            "instances": {"host": NOW + 3},
            "meta": {"epoch": 9, "epochAt": NOW - 9, "lossAt": 5, "lossMs": 6},
        },
        call=("renew", "host", 15_000, 9, NOW - 9),
        reply=[NOW, -1, 10, 5, 6, "1"],
        changes={"instances": {"host": NOW + 15_000}, "meta": {"epoch": 10, "epochAt": NOW}},
        again=[],
    ),
    Row(
        "a renewal with a later epoch than Redis has notes how much was lost",
        given={"instances": {"host": NOW + 3}, "meta": {"epoch": 9, "epochAt": NOW - 900}},
        call=("renew", "host", 15_000, 11, NOW - 200),
        reply=[NOW, -1, 1_012, NOW, 700, "1"],
        changes={
            "instances": {"host": NOW + 15_000},
            "meta": {"epoch": 1_012, "epochAt": NOW, "lossAt": NOW, "lossMs": 700},
        },
        again=[],
    ),
    Row(
        "a renewal of an unknown instance changes nothing",
        given={"instances": {"other": NOW + 3}},
        call=("renew", "host", 15_000, 0, 0),
        reply=[],
        changes={},
    ),
    Row(
        "the first heartbeat registers its instance",
        given={},
        call=("heartbeat", "host", 15_000, 2, 0, 0, 0, 0, "host", "box", "pid", "7"),
        reply=[NOW],
        changes={
            "instances": {"host": NOW + 15_000},
            "instance": {"host": {"slots": 2, "lease": 15_000, "host": "box", "pid": 7}},
            **KNOWN,
        },
    ),
    Row(
        "a later heartbeat renews the lease",
        given={"instances": {"host": NOW + 3}, "instance": {"host": {"slots": 2}}},
        call=("heartbeat", "host", 15_000, 2, 0, 0, 0, 0),
        reply=[NOW],
        changes={
            "instances": {"host": NOW + 15_000},
            "instance": {"host": {"lease": 15_000}},
            **KNOWN,
        },
    ),
    Row(
        "the number of slots never decreases: a closed slot may hold a job",
        given={"instances": {"host": NOW + 15_000}, "instance": {"host": {"slots": 5}}},
        call=("heartbeat", "host", 15_000, 2, 0, 0, 0, 0, "pid", "7"),
        reply=[NOW],
        changes={"instance": {"host": {"lease": 15_000, "pid": 7}}, **KNOWN},
    ),
    Row(
        "a newer version's layout stays",
        given={"instances": {"host": NOW + 3}, "instance": {"host": {"slots": 2}}, "meta": {"layout": 3}},
        call=("heartbeat", "host", 15_000, 2, 0, 0, 0, 0),
        reply=[NOW],
        changes={
            "instances": {"host": NOW + 15_000},
            "instance": {"host": {"lease": 15_000}},
            "limit": UNLIMITED,
        },
    ),
]


@pytest.mark.parametrize("row", HEARTBEAT, ids=row_name)
def test_heartbeat_in_each_state_keeps_every_job(redis_state: RedisState, row: Row) -> None:
    row.check(redis_state)
