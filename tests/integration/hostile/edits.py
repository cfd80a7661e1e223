"""Manual edits of a job's hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, islice

from redis import Redis

GARBAGE = (
    "",
    "abc",
    "nan",
    "-inf",
    "1e999",
    "-1",
    "9" * 400,
    "１２",
    b"\xff",
    "{" * 5_000,
    "[]",
    "null",
    '"x"',
)

#: Different garbage in the fields that come one after the other; `test_hashes` tries any in each.
_EACH = 3

#: The fields that scripts or workers read.
FIELDS = (
    "data", "priority", "state", "progress", "attempts", "failures", "recoveries", "replays", "releases",
    "rateLimits", "requests", "result", "error", "reason", "workerId", "fencingToken", "createdAt", "queuedAt",  # noqa: E501
    "startedAt", "finishedAt", "checkpoint:evaluation", "id",
)  # fmt: skip

Edit = Callable[[Redis, str], object]


def _set(fields: Mapping[str, str | bytes]) -> Edit:
    return lambda redis, key: redis.hset(key, mapping=dict(fields))


def _drop(field: str) -> Edit:
    return lambda redis, key: redis.hdel(key, field)


def _some_garbage() -> Iterator[tuple[str, int, str | bytes]]:
    """Yield each field with some of the garbage, so that each garbage is in several fields."""
    garbage = cycle(enumerate(GARBAGE))
    for field in FIELDS:
        for number, text in islice(garbage, _EACH):
            yield field, number, text


#: By name: an edit of the hash of a waiting job.
EDITS: dict[str, Edit] = {
    "deleted": lambda redis, key: redis.delete(key),
    **{
        f"{field}-{number}": _set({field: text})
        for field in ("data", "checkpoint:evaluation")
        for number, text in enumerate(GARBAGE)
    },
    **{f"{field}-{number}": _set({field: text}) for field, number, text in _some_garbage()},
    **{f"no-{field}": _drop(field) for field in ("data", "priority", "state", "createdAt")},
    **{f"all-{number}": _set(dict.fromkeys(FIELDS, text)) for number, text in enumerate(GARBAGE)},
    "active-without-worker": _set({"state": "active", "workerId": ""}),
    "checkpoint-of-another-key": _set({"checkpoint:evaluation": '{"key": "../../etc/passwd"}'}),
    "checkpoint-with-a-number": _set({"checkpoint:evaluation": '{"key": 7}'}),
    "checkpoint-without-an-answer": _set({"checkpoint:evaluation": '{"answer": 1}'}),
    "expired": lambda redis, key: redis.pexpire(key, 1),
}
