"""Reads what users have spent. There may be many, so only those who spent most on a day are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..values import sendable, text
from .reader import QueueReader
from .spending import Spending

#: What the ledger has by user, each in a sorted set for each day.
_MEASURES = ("nano", "unknown", "calls")


@dataclass(frozen=True)
class UserSpending:
    """What users have spent.

    Args:
        rows: the users who spent most first.
        more: users who are left out; if not `is_exact`, there may be more.
    """

    rows: dict[str, Spending]
    more: int
    is_exact: bool


def by_user(queues: Iterable[QueueReader], of_days: Sequence[str], most: int) -> UserSpending:
    """Return what the `most` users who spent most have spent in these queues on these days."""
    queues = [*queues]
    found: dict[str, Spending] = {}
    longest = 0
    for queue in queues:
        for measure, number, top in _lists(queue, of_days, most):
            longest = max(longest, number)
            for user, amount in top:
                found.setdefault(user, Spending()).add(measure, amount)
    rows = {user: Spending() for user in ranked(found)[:most]}
    for queue in queues:
        _add_all(queue, of_days, rows)
    more = max(len(found), longest) - len(rows)
    return UserSpending({user: rows[user] for user in ranked(rows)}, more, longest <= most)


def top_users(queue: QueueReader, of_days: Sequence[str], most: int) -> set[str]:
    """Return the users who spent most on each of these days, `most` of a day."""
    return {user for _, _, top in _lists(queue, of_days, most) for user, _ in top}


def ranked(found: dict[str, Spending]) -> list[str]:
    """Return the names, the most expensive first."""
    return sorted(found, key=lambda name: (-found[name].nano, -found[name].unknown, name))


def _lists(
    queue: QueueReader, of_days: Sequence[str], most: int
) -> list[tuple[str, int, list[tuple[str, int]]]]:
    """Return for each day and measure the measure, how many users have it, and those who have most of it."""
    keys = [(_key(queue, day, measure), measure) for day in of_days for measure in _MEASURES]
    with queue.redis.pipeline(transaction=False) as pipeline:
        for key, _ in keys:
            pipeline.zcard(key)
            pipeline.zrange(key, 0, most - 1, desc=True, withscores=True)
        answers = pipeline.execute()
    return [
        (measure, int(number), [(text(user), int(amount)) for user, amount in top])
        for (_, measure), number, top in zip(keys, answers[::2], answers[1::2], strict=True)
    ]


def _add_all(queue: QueueReader, of_days: Sequence[str], rows: dict[str, Spending]) -> None:
    """Add all that these users have spent, also on days on which others spent more."""
    asked = [(day, user, measure) for day in of_days for user in rows for measure in _MEASURES]
    with queue.redis.pipeline(transaction=False) as pipeline:
        for day, user, measure in asked:
            pipeline.zscore(_key(queue, day, measure), sendable(user))
        for (_, user, measure), amount in zip(asked, pipeline.execute(), strict=True):
            rows[user].add(measure, int(amount or 0))


def _key(queue: QueueReader, day: str, measure: str) -> str:
    return f"{queue.keys.spent_on(day)}:users:{measure}"
