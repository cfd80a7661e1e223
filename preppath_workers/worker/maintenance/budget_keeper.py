"""The janitor's part of the budget: it settles what dead workers had reserved, and ends what caps stopped."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial

from redis import Redis

from ...config.budget import Caps
from ...config.model import Config, QueueConfig
from ...log import fields
from ...store.connections.clients import Clients
from ...store.keys import BUDGET, Keys
from ...store.scripts import Caller
from ..attempt.budget import has_caps
from .steps import Steps

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

    def __init__(
        self, config: Config, clients: Clients, queues: Mapping[str, QueueConfig], steps: Steps
    ) -> None:
        self._config = config
        self._clients = clients
        self._queues = queues
        self._steps = steps
        self._has_caps = any(has_caps(config.budget, queue) for queue in queues.values())
        #: By queue: where the next look at its delayed jobs continues.
        self._cursors = dict.fromkeys(queues, 0)
        #: In seconds of the monotonic clock: when to look at each queue, and when to settle.
        self._look_at = dict.fromkeys(queues, 0.0)
        self._settle_at = 0.0 if self._has_caps else _FOREVER

    def look_if_due(self, queue: str) -> float:
        """Start what caps have stopped of a queue, if they were raised, and if it is time to look. Returns
        the seconds until the next look. Raises redis.RedisError."""
        if (left := self._look_at[queue] - time.monotonic()) > 0:
            return left
        # Without caps once is enough: that they are gone is known from the beginning.
        self._look_at[queue] = time.monotonic() + (_INTERVAL if self._has_caps else _FOREVER)
        self.lift_hold(queue)
        self.promote_capped(queue)
        return _INTERVAL

    def settle_if_due(self) -> None:
        """Settle what dead workers had reserved, if it is time. Raises redis.RedisError."""
        if time.monotonic() >= self._settle_at:
            self._settle_at = time.monotonic() + _INTERVAL
            self.settle_open(_OPEN_MS)

    def settle_open(self, open_ms: int) -> int:
        """Settle reservations older than `open_ms` whose attempt is over, by what the ledger knows. Returns
        how many."""
        found = self._caller(BUDGET)("open_reservations", open_ms, _BATCH)
        settled = 0
        for call_id, text in zip(found[::2], found[1::2], strict=True):
            record = json.loads(text)
            settle = partial(self._settle, call_id, record)
            settled += self._steps.run(record["queue"], "settle_budget", settle) or 0
        return settled

    def _settle(self, call_id: str, record: Mapping[str, str]) -> int:
        """Settle one reservation, unless its attempt still runs. Returns how many were settled."""
        queue, job_id = record["queue"], record["job"]
        status, *cost = self._caller(queue)("call_status", job_id, record["token"], call_id)
        if status == "running":
            return 0
        outcome = (str(cost[0]) or "worst") if status == "paid" else status
        settled = int(self._caller(BUDGET)("settle_reservations", call_id, outcome)[0])
        logger.warning(
            "Settled budget of dead worker",
            extra=fields(queue=queue, jobId=job_id, call=call_id, cost=outcome),
        )
        return settled

    def lift_hold(self, queue: str) -> None:
        """End the hold of a queue if there is room, after a cap was raised."""
        lacking = int(self._clients.of(queue).hget(self._keys(queue).gate, "heldFor") or 0)
        if lacking and self._has_room(queue, lacking) and self._caller(queue)("lift_hold", lacking)[0]:
            logger.warning("Queue is within its budget again", extra=fields(queue=queue))

    def promote_capped(self, queue: str) -> int:
        """Start a queue's delayed jobs of users who have room again, after their cap was raised. Returns how
        many."""
        if not self._clients.of(queue).exists(self._keys(queue).capped):
            return 0
        caller = self._caller(queue)
        self._cursors[queue], found = caller("capped_jobs", self._cursors[queue], _BATCH)
        ids = self._fitting(found)
        promoted = int(caller("promote_capped", *ids)[0]) if ids else 0
        if promoted:
            logger.warning("Users are within their budget again", extra=fields(queue=queue, jobs=promoted))
        return promoted

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

    def _has_room(self, queue: str, amount: int) -> bool:
        scopes = {"all": self._config.budget.all, f"queue {queue}": self._queues[queue].budget}
        return self._room(scopes) >= amount

    def _room(self, scopes: Mapping[str, Caps]) -> float:
        """Return what is left (nano-dollars) of the tightest cap; inf without any."""
        redis = self._clients.of(BUDGET)
        keys = self._keys(BUDGET)
        seconds, _ = redis.time()
        day = time.strftime("%Y-%m-%d", time.gmtime(seconds))
        return min(_left(redis, keys, scope, caps, day) for scope, caps in scopes.items())

    def _caller(self, queue: str) -> Caller:
        return Caller(self._clients.of(queue), self._keys(queue).base)

    def _keys(self, queue: str) -> Keys:
        return Keys(self._config.redis.prefix, queue)


def _left(redis: Redis, keys: Keys, scope: str, caps: Caps, day: str) -> float:
    left = _FOREVER
    for period, cap in ((day, caps.day), (day[:7], caps.month)):
        if cap.hard is not None:
            sums = redis.hmget(keys.budget(period), [f"spent {scope}", f"unknown {scope}"])
            left = min(left, cap.hard - sum(int(each or 0) for each in sums))
    return left
