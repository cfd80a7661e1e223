"""The QUEUE argument, and the queues that it selects."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from ..config import load
from ..config.model import QueueConfig, RateLimit
from ..jobs.loading import no_such_queue
from ..queue import Queue
from ..store.connections.clients import Clients
from ..store.keys import BUDGET
from ..store.reading.reader import QueueReader
from .job_types import job_types, load_queues, variables_of

_HELP = "the queue's name, such as tts"


def add_queue_argument(parser: ArgumentParser) -> None:
    """Add QUEUE."""
    parser.add_argument("queue", metavar="QUEUE", help=_HELP)


def add_queues_argument(parser: ArgumentParser) -> None:
    """Add QUEUE and its alternative, --all."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("queue", metavar="QUEUE", nargs="?", help=_HELP)
    which.add_argument("--all", action="store_true", help="select every queue")


def open_queue(args: Namespace) -> Queue:
    """Return the queue named by QUEUE. Raises ConfigError; a usage error ends the program."""
    (queue,) = _open(args, [args.queue])
    return queue


def open_queues(args: Namespace) -> list[Queue]:
    """Return the queues selected by QUEUE or --all. Raises the same as `open_queue`."""
    return open_all(args) if args.all else _open(args, [args.queue])


def open_all(args: Namespace) -> list[Queue]:
    """Return every queue. Raises ConfigError."""
    return _open(args, [job_type.name for job_type in job_types(args)])


def open_configured(args: Namespace) -> list[tuple[Queue, QueueConfig]]:
    """Return the queues that this configuration enables, with their settings. Raises ConfigError."""
    settings = load_queues(args)
    return list(zip(_open(args, [queue.name for queue in settings]), settings, strict=True))


def open_budget(args: Namespace) -> QueueReader:
    """Return a reader of the budget, which spans queues. Raises ConfigError."""
    where = load.load_redis(variables_of(args))
    return QueueReader(BUDGET, Clients.patient(where).of(BUDGET), where.prefix)


def rate_limit_of(args: Namespace) -> RateLimit | None:
    """Return the configured rate limit of the queue named by QUEUE. Raises ConfigError."""
    return next((queue.rate_limit for queue in load_queues(args) if queue.name == args.queue), None)


def check_queue(args: Namespace, name: str) -> None:
    """End the program with a usage error if there is no such queue. Raises ConfigError."""
    names = [job_type.name for job_type in job_types(args)]
    if name not in names:
        args.parser.error(no_such_queue(name, names))


def _open(args: Namespace, names: Iterable[str]) -> list[Queue]:
    where = load.load_redis(variables_of(args))
    for name in names:
        check_queue(args, name)
    clients = Clients.patient(where)
    return [Queue(name, clients.of(name), where.prefix, durable=where.enqueue) for name in names]
