"""What jobs can cost at most, from their data: the worst cases that a budget would reserve."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from ..clients.countable import countable
from ..clients.services import Services
from ..clients.usage import Usage
from ..config.model import Config
from ..errors import PrepPathError
from ..queue.cost_forecast import MostCost
from ..registry import JobType


def most_cost(job_type: JobType, config: Config, datas: Sequence[Any]) -> MostCost:
    """Return the most that jobs with these data can cost.

    Looks up in the services what the data only names, such as the size of a recording. If a service fails,
    the most that the other jobs can cost is unknown.
    """
    settings = next((each for each in config.queues if each.name == job_type.name), job_type.defaults)
    runs = 1 + settings.retries + settings.recoveries
    worst_cases = job_type.load_worst_cases()
    if worst_cases is None:
        return MostCost(0, runs, len(datas), "its job type tells no worst case")
    objects = [data for data in datas if isinstance(data, dict)]  # jobs with other data will be refused
    once, bounded, reason = 0, 0, ""
    with closing(Services(config)) as services:
        try:
            for requests in worst_cases(objects, services):
                nano = _cost(config, requests)
                if isinstance(nano, str):
                    reason = nano
                else:
                    once, bounded = once + nano, bounded + 1
        except (PrepPathError, ValueError) as error:
            reason = str(error)
    return MostCost(once, runs, len(objects) - bounded, reason)


def _cost(config: Config, requests: Sequence[Usage]) -> int | str:
    """Return the nano-dollars of the requests, or why they are unknown."""
    nano = 0
    for usage in map(countable, requests):
        price = config.prices.cost(usage.model, usage.tier, usage.tokens, usage.seconds, usage.characters)
        if price is None:
            return f"model {usage.model} has no price"
        nano += price
    return nano
