"""State tables: a state, a call, its reply, and how the state differs after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from preppath_workers.store.keys import FIRST_LAYOUT

from . import invariants
from .redis_state import NOW, RedisState, State, merged

#: The instance that most rows use, with two slots and a live lease.
HOST: State = {"instances": {"host": NOW + 15_000}, "instance": {"host": {"slots": 2}}}

#: The limit that a heartbeat writes if instances agree.
UNLIMITED = {
    "max": 0,
    "duration": 0,
    "since": NOW,
    "until": NOW + 60_000,
    "instance": "host",
    "comparedAt": NOW,
}

#: What the first heartbeat of a queue stores for the queue itself.
KNOWN: State = {"limit": UNLIMITED, "meta": {"layout": FIRST_LAYOUT}}

#: A paid request that is sent, and the same when its cost is known.
OPEN_CALL = '{"id":"c1","kind":"open","model":"m","worst":9,"user":"u1"}'
CLOSED_CALL = '{"id":"c1","kind":"unknown","model":"m","nano":9,"user":"u1","at":1000000}'
LISTED_CALL = CLOSED_CALL.replace("{", '{"rows":true,', 1)

SAME: Any = object()


@dataclass(frozen=True)
class Row:
    """One line of a table.

    `changes` are merged into `given` by `merged`. Every call is made twice, as by a client that lost the
    reply: the second one replies `again` and changes nothing.
    """

    name: str
    given: State
    call: tuple[str | int, ...]
    reply: Any
    changes: Mapping[str, Any] = field(default_factory=dict)
    again: Any = SAME

    def check(self, redis_state: RedisState) -> None:
        redis_state.write(self.given)
        before = redis_state.read()
        name, *arguments = self.call

        assert redis_state.call(str(name), *arguments) == self.reply
        after = redis_state.read()
        assert after == merged(before, self.changes)
        invariants.check(after)

        assert redis_state.call(str(name), *arguments) == (self.reply if self.again is SAME else self.again)
        assert redis_state.read() == after


def row_name(row: Row) -> str:
    return row.name


Fields = dict[str, str | int]


def _job(state: str, priority: int, *fields: Mapping[str, str | int]) -> Fields:
    job: Fields = {"data": "{}", "priority": priority, "state": state, "createdAt": 900_000}
    for more in fields:
        job.update(more)
    return job


#: The fields that a first start writes.
_ONCE: Fields = {"workerId": "host:0", "startedAt": 950_000, "fencingToken": 1, "attempts": 1}


def waiting(priority: int = 50, **fields: str | int) -> Fields:
    """A job that was added at 900,000 ms."""
    return _job("waiting", priority, fields)


def delayed(priority: int = 50, **fields: str | int) -> Fields:
    return _job("delayed", priority, fields)


def started(priority: int = 50, **fields: str | int) -> Fields:
    """A job that runs for the first time, in slot host:0, since 950,000 ms."""
    return _job("active", priority, _ONCE, fields)


#: Slot 0 runs a job, and the arguments with which its attempt calls.
RUNS: State = {**HOST, "active": {"host:0": ["a"]}, "jobs": {"a": started()}}
HELD = ("a", "host:0", 1)


def failed(priority: int = 50, **fields: str | int) -> Fields:
    """A job that failed for good at 960,000 ms."""
    end: Fields = {"failures": 1, "reason": "invalid", "error": "{}", "finishedAt": 960_000}
    return _job("failed", priority, _ONCE, end, fields)


def completed(**fields: str | int) -> Fields:
    """A job that was completed at 960,000 ms."""
    end: Fields = {"result": "{}", "progress": 100, "finishedAt": 960_000}
    return _job("completed", 50, _ONCE, end, fields)
