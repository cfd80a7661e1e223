"""The janitor's part of the budget: it settles what dead workers had reserved, and ends holds."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping

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
#: How long a reservation is left to its worker before it is compared with the ledger (ms).
_OPEN_MS = 10_000
#: Reservations of one look.
_BATCH = 100


class BudgetKeeper:
    """Keeps the budget of some queues. Any number of instances may do so at the same time."""

    def __init__(self, config: Config, clients: Clients, queues: Mapping[str, QueueConfig]) -> None:
        self._config = config
        self._clients = clients
        self._queues = [queue for queue in queues.values() if has_caps(config.budget, queue)]
        self._due = 0.0

    def look_if_due(self, queue: str) -> float:
        """Look after the budget if it is time. Returns the seconds until the next look. Raises
        redis.RedisError."""
        if not self._queues:
            return _INTERVAL
        if (left := self._due - time.monotonic()) <= 0:
            self._due = time.monotonic() + _INTERVAL
            self.settle_open(_OPEN_MS)
            self.lift_holds()
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

    def _has_room(self, queue: QueueConfig, amount: int) -> bool:
        redis = self._clients.of(BUDGET)
        keys = Keys(self._config.redis.prefix, BUDGET)
        seconds, _ = redis.time()
        day = time.strftime("%Y-%m-%d", time.gmtime(seconds))
        scopes = {"all": self._config.budget.all, f"queue {queue.name}": queue.budget}
        return all(_fits(redis, keys, scope, caps, day, amount) for scope, caps in scopes.items())

    def _caller(self, queue: str) -> Caller:
        return Caller(self._clients.of(queue), Keys(self._config.redis.prefix, queue).base)


def _fits(redis: Redis, keys: Keys, scope: str, caps: Caps, day: str, amount: int) -> bool:
    for period, cap in ((day, caps.day), (day[:7], caps.month)):
        if cap.hard is None:
            continue
        sums = redis.hmget(keys.budget(period), [f"spent {scope}", f"unknown {scope}"])
        if sum(int(each or 0) for each in sums) + amount > cap.hard:
            return False
    return True
