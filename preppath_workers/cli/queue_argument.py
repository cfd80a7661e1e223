"""The QUEUE argument, and the queues that a command line means."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence

from ..config import load
from ..config.model import QueueConfig, RateLimit, RedisConfig
from ..jobs import JOB_TYPES
from ..queue import Queue
from ..store import connection

_NAMES = [job_type.name for job_type in JOB_TYPES]

_HELP = "one of " + ", ".join(_NAMES)


def add_queue_argument(parser: ArgumentParser) -> None:
    """Adds QUEUE, with the names that there are."""
    parser.add_argument("queue", metavar="QUEUE", choices=_NAMES, help=_HELP)


def add_queues_argument(parser: ArgumentParser) -> None:
    """Adds QUEUE, and --all in its place."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("queue", metavar="QUEUE", nargs="?", choices=_NAMES, help=_HELP)
    which.add_argument("--all", action="store_true", help="every queue")


def open_queue(args: Namespace) -> Queue:
    """The queue that QUEUE names. Raises ConfigError."""
    (queue,) = _open(args, [args.queue])
    return queue


def open_queues(args: Namespace) -> list[Queue]:
    """The queues that QUEUE or --all means. Raises ConfigError."""
    return _open(args, _NAMES if args.all else [args.queue])


def open_all(args: Namespace) -> list[Queue]:
    """Every queue. Raises ConfigError."""
    return _open(args, _NAMES)


def open_configured(args: Namespace) -> list[tuple[Queue, QueueConfig]]:
    """The queues that this configuration has worked, and how. Raises ConfigError."""
    variables = load.read_environment(args.config)
    where = load.load_redis(variables)
    settings = _settings(variables)
    return list(zip(_connect(where, [queue.name for queue in settings]), settings, strict=True))


def rate_limit_of(args: Namespace) -> RateLimit | None:
    """The rate limit of the queue that QUEUE names, by this configuration. Raises ConfigError."""
    queues = _settings(load.read_environment(args.config))
    return next((queue.rate_limit for queue in queues if queue.name == args.queue), None)


def _open(args: Namespace, names: Iterable[str]) -> list[Queue]:
    return _connect(load.load_redis(load.read_environment(args.config)), names)


def _settings(variables: Mapping[str, str | None]) -> Sequence[QueueConfig]:
    return load.load_queues(variables, [job_type.defaults for job_type in JOB_TYPES])


def _connect(where: RedisConfig, names: Iterable[str]) -> list[Queue]:
    client = connection.client(where.url)
    return [Queue(name, client, where.prefix) for name in names]
