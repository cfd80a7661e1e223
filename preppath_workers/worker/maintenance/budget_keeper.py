"""The janitor's part of the budget: it settles what dead workers had reserved, and ends holds."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence

from redis import Redis

from ...config.budget import Caps
from ...config.model import Config, QueueConfig
from ...log import fields
from ...store.connections.clients import Clients
from ...store.keys import BUDGET, Keys
from ...store.scripts import Caller
from ..attempt.budget import has_caps

logger = logging.getLogger(__name__)

#: Seconds between two looks.
_INTERVAL = 5.0
#: Infinite.
_FOREVER = float("inf")
#: How long a reservation is left to its worker before it is compared with the ledger (ms).
_OPEN_MS = 10_000
#: Reservations, and delayed jobs of each queue, of one look.
_BATCH = 100


class BudgetKeeper:
    """Keeps the budget of some queues. Any number of instances may do so at the same time."""

    def __init__(self, config: Config, clients: Clients, queues: Mapping[str, QueueConfig]) -> None:
        self._config = config
        self._clients = clients
        self._queues = [*queues.values()]
        self._has_caps = any(has_caps(config.budget, queue) for queue in self._queues)
        #: By queue: where the next look at its delayed jobs continues.
        self._cursors = dict.fromkeys(queues, 0)
        self._due = 0.0

    def look_if_due(self, queue: str) -> float:
        """Look after the budget if it is time. Returns the seconds until the next look. Raises
        redis.RedisError."""
        if (left := self._due - time.monotonic()) <= 0:
            # Without caps once is enough: that they are gone is known from the beginning.
            self._due = time.monotonic() + (_INTERVAL if self._has_caps else _FOREVER)
            if self._has_caps:
                self.settle_open(_OPEN_MS)
            self.lift_holds()
            self.promote_capped()
            left = _INTERVAL
        return left

    def settle_open(self, open_ms: int) -> int:
        """Settle reservations older than `open_ms` whose attempt is over, by what the ledger knows. Returns
        how many."""
        budget = self._caller(BUDGET)
        found = budget("open_reservations", open_ms, _BATCH)
        settled = 0
        for call_id, text in zip(found[::2], found[1::2], strict=True):
            record = json.loads(text)
            caller = self._caller(record["queue"])
            status, *cost = caller("call_status", record["job"], record["token"], call_id)
            if status == "running":
                continue
            outcome = (str(cost[0]) or "worst") if status == "paid" else status
            settled += budget("settle_reservations", call_id, outcome)[0]
            logger.warning(
                "Settled budget of dead worker",
                extra=fields(queue=record["queue"], jobId=record["job"], call=call_id, cost=outcome),
            )
        return settled

    def lift_holds(self) -> None:
        """End holds for which there is room, after a cap was raised."""
        for queue in self._queues:
            keys = Keys(self._config.redis.prefix, queue.name)
            redis = self._clients.of(queue.name)
            lacking = int(redis.hget(keys.gate, "heldFor") or 0)
            if (
                lacking
                and self._has_room(queue, lacking)
                and self._caller(queue.name)("lift_hold", lacking)[0]
            ):
                logger.warning("Queue is within its budget again", extra=fields(queue=queue.name))

    def promote_capped(self) -> int:
        """Start delayed jobs of users who have room again, after their cap was raised. Returns how many."""
        moved = 0
        for queue in self._queues:
            keys = Keys(self._config.redis.prefix, queue.name)
            if not self._clients.of(queue.name).exists(keys.capped):
                continue
            caller = self._caller(queue.name)
            self._cursors[queue.name], found = caller("capped_jobs", self._cursors[queue.name], _BATCH)
            ids = self._fitting(found)
            if ids and (promoted := caller("promote_capped", *ids)[0]):
                moved += promoted
                logger.warning(
                    "Users are within their budget again", extra=fields(queue=queue.name, jobs=promoted)
                )
        return moved

    def _fitting(self, found: Sequence[str]) -> list[str]:
        """Return which of these jobs (id, amount, scope, …) fit the budgets of their users together."""
        room: dict[str, float] = {}
        ids = []
        for job_id, amount, scope in zip(found[::3], map(int, found[1::3]), found[2::3], strict=True):
            if scope not in room:
                room[scope] = self._room({scope: self._config.budget.user})
            if room[scope] >= amount:
                room[scope] -= amount
                ids.append(job_id)
        return ids

    def _has_room(self, queue: QueueConfig, amount: int) -> bool:
        scopes = {"all": self._config.budget.all, f"queue {queue.name}": queue.budget}
        return self._room(scopes) >= amount

    def _room(self, scopes: Mapping[str, Caps]) -> float:
        """Return what is left (nano-dollars) of the tightest cap; inf without any."""
        redis = self._clients.of(BUDGET)
        keys = Keys(self._config.redis.prefix, BUDGET)
        seconds, _ = redis.time()
        day = time.strftime("%Y-%m-%d", time.gmtime(seconds))
        return min(_left(redis, keys, scope, caps, day) for scope, caps in scopes.items())

    def _caller(self, queue: str) -> Caller:
        return Caller(self._clients.of(queue), Keys(self._config.redis.prefix, queue).base)


def _left(redis: Redis, keys: Keys, scope: str, caps: Caps, day: str) -> float:
    left = _FOREVER
    for period, cap in ((day, caps.day), (day[:7], caps.month)):
        if cap.hard is not None:
            sums = redis.hmget(keys.budget(period), [f"spent {scope}", f"unknown {scope}"])
            left = min(left, cap.hard - sum(int(each or 0) for each in sums))
    return left
