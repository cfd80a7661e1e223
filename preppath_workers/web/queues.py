"""The queues that the server shows, and what else the configuration says about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..config.budget import Budget
from ..config.model import QueueConfig
from ..queue import Queue
from ..queue.cost_forecast import CostForecast, Forecaster
from ..queue.summary import summarize
from ..store.reading.budget_use import BudgetUse, caps_in_use
from ..store.reading.reader import QueueReader
from .model_ends import ModelEnd
from .problem import Problem

#: Jobs whose data is read, and whose recordings are looked up, to tell what they can cost: bounds a request.
_MOST_FORECAST = 50


class Queues:
    """The queues of one configuration, by name, with their settings."""

    def __init__(
        self,
        configured: Sequence[tuple[Queue, QueueConfig]],
        budget: Budget,
        budget_reader: QueueReader,
        models: Mapping[str, str],
        most_cost: Forecaster,
    ) -> None:
        """Take the configuration.

        Args:
            configured: each queue with its settings.
            budget: the caps that are not those of one queue.
            budget_reader: reads what counts against all caps.
            models: the names of OpenAI's models by queue.
            most_cost: returns the most that jobs can cost.
        """
        self.by_name: Mapping[str, Queue] = {queue.name: queue for queue, _ in configured}
        self.settings: Mapping[str, QueueConfig] = {queue.name: settings for queue, settings in configured}
        self.budget_reader = budget_reader
        self._budget = budget
        self._models = models
        self._most_cost = most_cost

    def forecast(self, name: str, ids: Sequence[str]) -> CostForecast:
        """Return what these jobs of a queue may cost if they run again.

        For many jobs, and in an outage, only what jobs cost on average: more would delay the answer. Raises
        Problem.
        """
        queue = self.get(name)
        if len(ids) > _MOST_FORECAST or queue.gate().out_of_service:
            return CostForecast.of(queue, len(ids), None)
        datas = [job.data for job in queue.get_many(ids)]
        return CostForecast.of(queue, len(datas), self._most_cost(name, datas))

    def summary(self, name: str) -> dict[str, Any]:
        """Return a queue's summary, as `queues --json` prints it. Raises Problem."""
        return summarize(self.get(name), self.settings[name].rate_limit).to_dict()

    def get(self, name: str) -> Queue:
        """Return a queue. Raises Problem if there is none with that name."""
        if name not in self.by_name:
            raise Problem(404, f"there is no queue {name!r}: expected {', '.join(self.by_name)}")
        return self.by_name[name]

    def caps_in_use(self, with_users: bool = True) -> list[BudgetUse]:
        """Return what is used of each cap on spending, and by which users nearly all of theirs."""
        users_of = self.by_name.values() if with_users else ()
        return caps_in_use(self.budget_reader, self._budget, self.settings.values(), users_of)

    def model_end(self, name: str) -> ModelEnd | None:
        """Return when the queue's model is shut down, None if that isn't known."""
        return ModelEnd.of(self._models[name]) if name in self._models else None
