"""The QUEUE argument, and the queues that it selects."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence

from ..config import load
from ..config.model import QueueConfig, RateLimit, RedisConfig
from ..jobs import JOB_TYPES
from ..queue import Queue
from ..store.clients import Clients

_NAMES = [job_type.name for job_type in JOB_TYPES]

_HELP = "one of " + ", ".join(_NAMES)


def add_queue_argument(parser: ArgumentParser) -> None:
    """Add QUEUE, restricted to existing names."""
    parser.add_argument("queue", metavar="QUEUE", choices=_NAMES, help=_HELP)


def add_queues_argument(parser: ArgumentParser) -> None:
    """Add QUEUE and its alternative, --all."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("queue", metavar="QUEUE", nargs="?", choices=_NAMES, help=_HELP)
    which.add_argument("--all", action="store_true", help="select every queue")


def open_queue(args: Namespace) -> Queue:
    """Return the queue named by QUEUE. Raises ConfigError."""
    (queue,) = _open(args, [args.queue])
    return queue


def open_queues(args: Namespace) -> list[Queue]:
    """Return the queues selected by QUEUE or --all. Raises ConfigError."""
    return _open(args, _NAMES if args.all else [args.queue])


def open_all(args: Namespace) -> list[Queue]:
    """Return every queue. Raises ConfigError."""
    return _open(args, _NAMES)


def open_configured(args: Namespace) -> list[tuple[Queue, QueueConfig]]:
    """Return the queues that this configuration enables, with their settings. Raises ConfigError."""
    variables = load.read_environment(args.config)
    where = load.load_redis(variables)
    settings = _settings(variables)
    return list(zip(_connect(where, [queue.name for queue in settings]), settings, strict=True))


def rate_limit_of(args: Namespace) -> RateLimit | None:
    """Return the configured rate limit of the queue named by QUEUE. Raises ConfigError."""
    queues = _settings(load.read_environment(args.config))
    return next((queue.rate_limit for queue in queues if queue.name == args.queue), None)


def _open(args: Namespace, names: Iterable[str]) -> list[Queue]:
    return _connect(load.load_redis(load.read_environment(args.config)), names)


def _settings(variables: Mapping[str, str | None]) -> Sequence[QueueConfig]:
    return load.load_queues(variables, [job_type.defaults for job_type in JOB_TYPES])


def _connect(where: RedisConfig, names: Iterable[str]) -> list[Queue]:
    clients = Clients.patient(where)
    return [Queue(name, clients.of(name), where.prefix, durable=where.enqueue) for name in names]
