"""Reads what counts against the caps on spending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ...config.budget import Budget, Cap, Caps
from ...config.model import QueueConfig
from ..values import integer, text
from .reader import QueueReader
from .spending import days, today
from .user_spending import top_users

Period = Literal["day", "month"]

#: Users of a day and queue that are looked at, those who spent most.
_MOST_USERS = 20
#: The share of its hard cap from which a user is near it.
_NEAR = 0.8


@dataclass(frozen=True)
class BudgetUse:
    """What one scope (`all`, `queue tts`, `user u1`) has spent in this day or month (UTC), in nano-dollars.

    Args:
        spent: for certain.
        unknown: the most of what may have been charged.
        reserved: the most that requests in progress can cost.
    """

    scope: str
    period: Period
    cap: Cap
    spent: int
    unknown: int
    reserved: int

    @property
    def counted(self) -> int:
        """What counts against the cap."""
        return self.spent + self.unknown + self.reserved

    @property
    def share(self) -> float | None:
        """How much of the hard cap is used, 1 for all of it; None without a hard cap."""
        if self.cap.hard is None:
            return None
        return self.counted / self.cap.hard if self.cap.hard else 1.0

    @property
    def reached(self) -> Literal["hard", "soft"] | None:
        """Which cap is reached: a `hard` one when nothing is left of it, so requests may stop earlier."""
        if self.cap.hard is not None and self.counted >= self.cap.hard:
            return "hard"
        return "soft" if self.cap.soft is not None and self.counted >= self.cap.soft else None

    @property
    def is_near(self) -> bool:
        """Whether it is reached, or so nearly that a request may not fit any more."""
        return self.reached is not None or (self.share or 0.0) >= _NEAR


def read_budget(budget: QueueReader, caps: Mapping[str, Caps]) -> list[BudgetUse]:
    """Return the use of these scopes' caps, today and in this month. `budget` reads the queue `budget`."""
    day = today(budget).isoformat()
    names: Mapping[Period, str] = {"day": day, "month": day[:7]}
    found = []
    for period, name in names.items():
        capped = {scope: cap for scope, of_scope in caps.items() if (cap := getattr(of_scope, period))}
        measures = [f"{measure} {scope}" for scope in capped for measure in ("spent", "unknown", "reserved")]
        stored = budget.redis.hmget(budget.keys.budget(name), measures) if measures else []
        amounts = iter([integer(text(value or "")) or 0 for value in stored])
        for scope, cap in capped.items():
            spent, unknown, reserved = next(amounts), next(amounts), next(amounts)
            found.append(BudgetUse(scope, period, cap, spent, unknown, reserved))
    return sorted(found, key=lambda use: [*caps].index(use.scope))


def caps_in_use(
    reader: QueueReader, budget: Budget, settings: Iterable[QueueConfig], queues: Iterable[QueueReader]
) -> list[BudgetUse]:
    """Return the use of every cap, and of the users who have reached theirs or nearly have.

    Args:
        reader: reads the queue `budget`, whose slot has the sums.
        budget, settings: the caps that are configured.
        queues: those whose users are looked at.
    """
    scopes = {"all": budget.all, **{f"queue {queue.name}": queue.budget for queue in settings}}
    return read_budget(reader, scopes) + users_near_cap(queues, reader, budget.user)


def users_near_cap(queues: Iterable[QueueReader], budget: QueueReader, caps: Caps) -> list[BudgetUse]:
    """Return the users who have reached a cap or nearly have, those with the largest share first.

    Only those who spent most in a queue on a day of the period are looked at.
    """
    if not caps:
        return []
    last = today(budget)
    first = last.replace(day=1) if caps.month else last
    users = {user for queue in queues for user in top_users(queue, days(first, last), _MOST_USERS)}
    uses = read_budget(budget, {f"user {user}": caps for user in sorted(users)})
    near = [use for use in uses if use.is_near]
    return sorted(near, key=lambda use: (-(use.share or 0.0), use.scope))
