"""What jobs may cost, for commands that add or replay them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from ..errors import ConfigError
from ..queue import Queue
from ..queue.cost_forecast import CostForecast, Forecaster, MostCost
from .job_types import job_types, load_config
from .terminal import print_error, print_json, print_line

#: Jobs of which a command tells the cost before it acts: more would delay it.
MOST_AT_ONCE = 1_000


def forecaster(args: Namespace) -> Forecaster:
    """Return what tells the most that jobs can cost. Without the workers' configuration it is unknown."""

    def most(name: str, datas: Sequence[Any]) -> MostCost | None:
        job_type = next(each for each in job_types(args) if each.name == name)
        if not job_type.worst_cases:
            return None
        try:
            config = load_config(args)
            from ..jobs.forecast import (
                most_cost,  # loads the vendors' libraries, which a producer need not have
            )

            return most_cost(job_type, config, datas)
        except ConfigError as error:
            return MostCost(
                0,
                0,
                len(datas),
                f"the configuration lacks what workers need: {'; '.join(str(error).splitlines())}",
            )
        except ImportError as error:
            return MostCost(0, 0, len(datas), str(error))

    return most


def tell_cost(args: Namespace, queue: Queue, datas: Sequence[Any]) -> None:
    """Print what the jobs may cost to standard error, if that is known and they aren't too many."""
    if not 1 <= len(datas) <= MOST_AT_ONCE:
        return
    found = forecast(args, queue, datas)
    if found.is_known:
        print_error(found.words())


def print_forecast(found: CostForecast, as_json: bool) -> None:
    """Print what jobs may cost."""
    if as_json:
        print_json(found.to_dict())
    else:
        print_line(found.words())


def forecast(args: Namespace, queue: Queue, datas: Sequence[Any]) -> CostForecast:
    """Return what jobs with these data may cost."""
    return CostForecast.of(queue, len(datas), forecaster(args)(queue.name, datas))
