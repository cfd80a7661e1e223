"""`preppath-workers health`: whether every queue is worked."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from .arguments import EXIT_FAILED, add_command
from .queue_argument import open_configured
from .terminal import print_json, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command."""
    parser = add_command(
        subparsers,
        "health",
        "tell whether a live instance works every configured queue",
        """
        examples:
          preppath-workers health --config .env
          preppath-workers health --local --quiet     (a container's health check)

        A queue is healthy if Redis takes writes, the lease of an instance with workers is fresh,
        its services work and, if a job waits that may start, it does start within 5 seconds. A
        queue that is paused, or held because a vendor limits the rate, is healthy.

        exit codes: 0 all are; 1 one is not; 69 Redis does not answer; 78 the configuration is wrong
        """,
    )
    parser.add_argument("--local", action="store_true", help="count the instances of this host alone")
    parser.add_argument("--quiet", action="store_true", help="print what is wrong and no more")
    parser.add_argument("--json", action="store_true", help="print a JSON object for each queue, one a line")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Looks at each queue. Raises ConfigError."""
    healthy = True
    for queue, settings in open_configured(args):
        found = queue.health(settings.rate_limit, args.local)
        healthy &= found.healthy
        if args.json:
            print_json({"queue": queue.name, "healthy": found.healthy, "detail": found.detail})
        elif not found.healthy or not args.quiet:
            word = "ok" if found.healthy else "error"
            print_line(f"{word:<6} {queue.name}: {found.detail}")
    return 0 if healthy else EXIT_FAILED
