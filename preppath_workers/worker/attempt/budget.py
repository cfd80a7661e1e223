"""Caps on spending. Before a paid request is sent, the most that it can cost is reserved, in Redis for all
machines. After its answer, the reservation is settled to what it cost."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Literal

from redis.exceptions import RedisError

from ...config.budget import Budget, Cap, Caps
from ...config.model import Config, QueueConfig
from ...config.prices import dollars
from ...errors import BudgetSpent, PermanentError, ServiceError, Snooze
from ...log import fields
from ...store.connections.clients import Clients
from ...store.job import Job
from ...store.keys import BUDGET, Keys
from ...store.scripts import Caller
from .step_retry import retry_step

logger = logging.getLogger(__name__)

#: How a reservation is settled if its cost isn't known: see `settle_reservations.lua`.
Settled = Literal["void", "unknown", "worst"]

#: Seconds for any answer.
_TIMEOUT = 5.0
#: Seconds that a job occupies its worker while other reservations are in the way, and between two looks.
_MAX_WAIT, _LOOK = 5.0, 0.2
#: Seconds that it is then delayed.
_DELAY = 2.0


def has_caps(budget: Budget, queue: QueueConfig) -> bool:
    """Return whether anything limits the spending of this queue's jobs."""
    return bool(budget.all or budget.user or queue.budget)


class ReservedBudget:
    """The budget as the workers of one queue reserve it. Not to be shared between processes."""

    def __init__(self, config: Config, queue: QueueConfig) -> None:
        self._queue = queue
        self._budget = config.budget
        self._clients = Clients.prompt(config.redis, _TIMEOUT)
        self._base = Keys(config.redis.prefix, BUDGET).base

    @classmethod
    def of(cls, config: Config, queue: QueueConfig) -> ReservedBudget | None:
        """Return the budget of a queue's workers; None if there is no cap."""
        return cls(config, queue) if has_caps(config.budget, queue) else None

    def reserve(self, job: Job, user: str | None, call_id: str, model: str, worst: int | None) -> list[str]:
        """Reserve the most that a call can cost. Returns when, ms, and texts of soft caps that are reached.

        Raises:
            BudgetSpent: nothing is left until the day or month ends.
            Snooze: other requests have reserved what is left.
            PermanentError: it is more than the cap.
            ServiceError: the model has no price.
        """
        if worst is None:
            raise ServiceError(
                BUDGET,
                f"cannot reserve budget: model {model} has no price for such requests in OPENAI_PRICES",
                refuses_all=True,
            )
        scopes = [word for scope in self._scopes(user) for word in scope]
        give_up_at = time.monotonic() + _MAX_WAIT
        while True:
            answer = retry_step(
                lambda: self._call("reserve", call_id, worst, job.queue, job.id, job.fencing_token, *scopes)
            )
            if answer[0] == "ok":
                at, *reached = answer[1:]
                return [str(at), *(self._warn(each) for each in reached)]
            if answer[0] == "over":
                raise BudgetSpent(answer[1], answer[2], int(answer[3]) / 1000, worst)
            if answer[0] == "never":
                scope, period = answer[1:]
                raise PermanentError(
                    f"a request of up to {dollars(worst)} never fits the budget of {scope} for a {period}"
                )
            if time.monotonic() > give_up_at:
                raise Snooze("waiting for budget that other requests have reserved", _DELAY)
            time.sleep(_LOOK)

    def settle(self, costs: Mapping[str, int | Settled]) -> None:
        """Settle reservations, by their calls' ids. If Redis fails, a janitor does it later."""
        try:
            self._call("settle_reservations", *(word for pair in costs.items() for word in pair))
        except RedisError as error:
            logger.warning("Cannot settle budget, a janitor will", extra=fields(error=str(error)))

    def _scopes(self, user: str | None) -> list[tuple[str, str, str, str, str]]:
        # All of them, also those without a cap: one that is set later must know what was spent.
        scopes = [_scope("all", self._budget.all), _scope(f"queue {self._queue.name}", self._queue.budget)]
        return scopes if user is None else [*scopes, _scope(f"user {user}", self._budget.user)]

    def _warn(self, reached: str) -> str:
        period, _, scope = str(reached).partition(" ")
        text = f"soft budget of {scope} is reached for this {period}"
        logger.warning("Soft budget reached", extra=fields(scope=scope, period=period))
        return text

    def _call(self, script: str, *arguments: str | int) -> Any:
        """Call a script of the budget, made on first use: a worker that pays for nothing needs no connection.
        Raises redis.RedisError."""
        client = self._clients.of(BUDGET)
        try:
            return Caller(client, self._base)(script, *arguments)
        except RedisError:
            client.connection_pool.disconnect()  # after a failover the address may lead to another server
            raise


def _scope(name: str, caps: Caps) -> tuple[str, str, str, str, str]:
    return (name, *_words(caps.day), *_words(caps.month))


def _words(cap: Cap) -> tuple[str, str]:
    return ("" if cap.hard is None else str(cap.hard), "" if cap.soft is None else str(cap.soft))
