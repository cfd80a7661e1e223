"""The groups of checks, each with what it reads of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ...config import database, load, vendors
from ...config import redis as config_redis
from ...config.env import Environment, read_part
from ...config.model import OpenAIConfig, QueueConfig
from ...config.prices import Prices
from ...config.proxies import check_proxies
from ...config.queues import queue_names, queues
from .data import check_data
from .findings import Finding
from .limits import check_limits
from .models import check_models
from .postgres import check_connection, check_database
from .redis import check_redis
from .requests import check_requests
from .s3 import check_storage

#: A check returns findings. Expected errors are findings too, so that one check does not prevent the others.
Check = Callable[[], Iterable[Finding]]


@dataclass(frozen=True)
class Options:
    """What the checks are to do besides: send paid requests, repair the data."""

    paid: bool = False
    fix: bool = False


#: Reads what a group needs, records problems in the environment, and returns the check. The queues are all
#: that there are, with their default settings.
Group = Callable[[Environment, Sequence[QueueConfig], Options], Check]


def prepared(
    groups: Mapping[str, Group],
    variables: Mapping[str, str | None],
    defaults: Sequence[QueueConfig],
    options: Options,
) -> Mapping[str, Check]:
    """Return the check of each group. Raises ConfigError with all problems of what these groups read."""

    def read(environment: Environment) -> Mapping[str, Check]:
        if groups.keys() & _WITH_PROXIES:
            check_proxies(environment, variables)
        return {name: group(environment, defaults, options) for name, group in groups.items()}

    return read_part(variables, read)


def _redis(environment: Environment, defaults: Sequence[QueueConfig], options: Options) -> Check:
    return partial(check_redis, config_redis.redis(environment), queue_names(environment, defaults, ()))


def _connection(environment: Environment, defaults: Sequence[QueueConfig], options: Options) -> Check:
    return partial(check_connection, database.database_url(environment, required=True))


def _database(environment: Environment, defaults: Sequence[QueueConfig], options: Options) -> Check:
    return partial(
        check_database,
        database.database_url(environment, required=True),
        config_redis.redis(environment),
        queues(environment, defaults, ()),
        load.ledger_rows(environment),
    )


def _storage(environment: Environment, defaults: Sequence[QueueConfig], options: Options) -> Check:
    return partial(check_storage, vendors.storage(environment, required=True))


def _models(environment: Environment, defaults: Sequence[QueueConfig], options: Options) -> Check:
    config = vendors.openai(environment, (), required=True)
    if not options.paid:
        return partial(check_models, config)
    return partial(_check_models_and_requests, config, load.prices(environment))


def _check_models_and_requests(config: OpenAIConfig, prices: Prices) -> Iterator[Finding]:
    yield from check_models(config)
    yield from check_requests(config, prices)


def _limits(environment: Environment, defaults: Sequence[QueueConfig], options: Options) -> Check:
    return partial(check_limits, config_redis.redis(environment), queues(environment, defaults, ()))


def _data(environment: Environment, defaults: Sequence[QueueConfig], options: Options) -> Check:
    names = [queue.name for queue in defaults]
    return partial(check_data, config_redis.redis(environment), names, options.fix)


#: In the order in which they are printed.
GROUPS: Mapping[str, Group] = {
    "redis": _redis,
    "database": _database,
    "storage": _storage,
    "models": _models,
    "limits": _limits,
    "data": _data,
}

#: What a start depends on, checked in a second or two.
FAST: Mapping[str, Group] = {"redis": _redis, "database": _connection}

#: The services that these groups are about. Without a job that uses it, none is checked.
SERVICES: Mapping[str, str] = {"database": "database", "storage": "storage", "models": "openai"}

#: Groups that would only report once more, for each queue and after a timeout, that Redis does not answer.
OF_REDIS = ("limits", "data")

_WITH_PROXIES = {"storage", "models"}
