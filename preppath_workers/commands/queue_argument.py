"""The QUEUE argument, and the queue that it names."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .. import config
from ..handlers import KINDS
from ..queue import connections
from ..queue.queue import Queue
from ..settings import RateLimit


def add_queue_argument(parser: ArgumentParser) -> None:
    """Adds the argument, with the names that there are."""
    names = [kind.name for kind in KINDS]
    parser.add_argument("queue", metavar="QUEUE", choices=names, help="one of " + ", ".join(names))


def open_queue(args: Namespace) -> Queue:
    """The queue that the command line names. Raises ConfigError."""
    redis = config.load_redis(config.read_environment(args.config))
    return Queue(args.queue, connections.client(redis.url), redis.prefix)


def rate_limit_of(args: Namespace) -> RateLimit | None:
    """The rate limit of the queue that the command line names, by this configuration. Raises ConfigError."""
    variables = config.read_environment(args.config)
    queues = config.load_queues(variables, [kind.defaults for kind in KINDS])
    return next((queue.rate_limit for queue in queues if queue.name == args.queue), None)
