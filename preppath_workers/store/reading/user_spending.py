"""Reads what users have spent. There may be many, so only those who spent most on a day are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

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
    found: dict[str, Spending] = {}
    cut_off: list[tuple[QueueReader, _Ranking]] = []
    longest = 0
    for queue in queues:
        for ranking in _rankings(queue, of_days, most):
            longest = max(longest, ranking.users)
            if ranking.users > most:
                cut_off.append((queue, ranking))
            for user, amount in ranking.top.items():
                found.setdefault(user, Spending()).add(ranking.measure, amount)
    rows = {user: found[user] for user in ranked(found)[:most]}
    for queue, of_queue in groupby(cut_off, itemgetter(0)):
        _add_others(queue, [ranking for _, ranking in of_queue], rows)
    more = max(len(found), longest) - len(rows)
    return UserSpending({user: rows[user] for user in ranked(rows)}, more, not cut_off)


def top_users(queue: QueueReader, of_days: Sequence[str], most: int) -> set[str]:
    """Return the users who spent most on each of these days, `most` of a day."""
    return {user for ranking in _rankings(queue, of_days, most) for user in ranking.top}


def ranked(found: dict[str, Spending]) -> list[str]:
    """Return the names, the most expensive first."""
    return sorted(found, key=lambda name: (-found[name].nano, -found[name].unknown, name))


@dataclass(frozen=True)
class _Ranking:
    """The users of a day by one measure: how many they are, and those who have most of it."""

    key: str
    measure: str
    users: int
    top: Mapping[str, int]


def _rankings(queue: QueueReader, of_days: Sequence[str], most: int) -> list[_Ranking]:
    keys = [
        (f"{queue.keys.spent_on(day)}:users:{measure}", measure) for day in of_days for measure in _MEASURES
    ]
    with queue.redis.pipeline(transaction=False) as pipeline:
        for key, _ in keys:
            pipeline.zcard(key)
            pipeline.zrange(key, 0, most - 1, desc=True, withscores=True)
        answers = pipeline.execute()
    return [
        _Ranking(key, measure, int(users), {text(user): int(amount) for user, amount in top})
        for (key, measure), users, top in zip(keys, answers[::2], answers[1::2], strict=True)
    ]


def _add_others(queue: QueueReader, rankings: Sequence[_Ranking], rows: Mapping[str, Spending]) -> None:
    """Add what these users have spent on days on which others spent more."""
    asked = [(ranking, user) for ranking in rankings for user in rows if user not in ranking.top]
    with queue.redis.pipeline(transaction=False) as pipeline:
        for ranking, user in asked:
            pipeline.zscore(ranking.key, sendable(user))
        for (ranking, user), amount in zip(asked, pipeline.execute(), strict=True):
            rows[user].add(ranking.measure, int(amount or 0))
