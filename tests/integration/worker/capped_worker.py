"""A worker under budgets, and a paid request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from preppath_workers import Queue
from preppath_workers.clients.usage import Usage
from preppath_workers.config.budget import Budget, Cap, Caps
from preppath_workers.config.model import Config, QueueConfig
from preppath_workers.registry import JobContext
from preppath_workers.store.connections.clients import Clients
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.store.consuming.outcome import Settlement
from preppath_workers.store.keys import Keys
from preppath_workers.worker.attempt.budget import ReservedBudget
from preppath_workers.worker.attempt.payments import PaymentTerms
from preppath_workers.worker.maintenance.budget_keeper import BudgetKeeper
from preppath_workers.worker.maintenance.steps import Steps

from .one_attempt import attempt

SETTINGS = QueueConfig("tts", backoff=0.0)
#: A request of at most 1,000 nano-dollars that costs 400.
WORST, USED = Usage("gpt-6-luna", {"output": 2}), Usage("gpt-6-luna", {"input": 4})


def pay(context: JobContext) -> None:
    with context.payment(WORST) as payment:
        payment.charge(USED)


class CappedWorker:
    """One worker's slot and a janitor's keeper, under caps of the day."""

    def __init__(self, config: Config, consumer: Consumer, prefix: str, queue: Queue) -> None:
        self._config = config
        self._keys = Keys(prefix, "budget")
        self.consumer = consumer
        self.queue = queue
        self.settings = SETTINGS
        self.cap()

    def cap(self, **nano: int | None) -> None:
        """Set the caps: of `all`, of each `user`, of the queue `tts`."""
        caps = {name: Caps(day=Cap(nano.get(name))) for name in ("all", "user", "tts")}
        self.config: Config = replace(self._config, budget=Budget(caps["all"], caps["user"]))
        self.settings = replace(SETTINGS, budget=caps["tts"])

    def work(self, handle: Callable[[JobContext], object] = pay) -> Settlement:
        """Run the next job's attempt and settle it."""
        return attempt(self.consumer, handle, PaymentTerms(budget=ReservedBudget(self.config, self.settings)))

    @property
    def keeper(self) -> BudgetKeeper:
        """A keeper of the queue `tts`, and before it of one whose keys may be broken."""
        clients = Clients.prompt(self.config.redis, 5.0)
        queues = {"broken": replace(self.settings, name="broken"), "tts": self.settings}
        return BudgetKeeper(self.config, clients, queues, Steps())

    def sums(self, scope: str = "all") -> dict[str, int]:
        """What is spent, reserved and perhaps spent today."""
        redis: Any = self.queue.redis
        [key] = [*redis.scan_iter(match=self._keys.budget("????-??-??"))] or [self._keys.budget("none")]
        found = {
            name: int(redis.hget(key, f"{name} {scope}") or 0) for name in ("spent", "reserved", "unknown")
        }
        return {name: amount for name, amount in found.items() if amount}
