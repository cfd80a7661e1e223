"""`preppath-workers health`: check that workers process every queue."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from .arguments import EXIT_FAILED, add_command
from .queue_argument import open_configured
from .terminal import print_json, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "health",
        "check that live workers process every configured queue",
        """
        examples:
          preppath-workers health --config .env
          preppath-workers health --local --quiet     (a container's health check)

        A queue is healthy if Redis accepts writes, an instance with workers has a valid lease, its
        services work, and a job that may start does start within 5 seconds. A queue that is paused,
        or held by a vendor's rate limit or a spent budget, is healthy.

        exit codes: 0 all healthy; 1 not all healthy; 69 Redis does not answer;
        78 the configuration is wrong
        """,
    )
    parser.add_argument("--local", action="store_true", help="check only the instances on this host")
    parser.add_argument("--quiet", action="store_true", help="print unhealthy queues only")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line and queue")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Check each queue. Raises ConfigError."""
    healthy = True
    for queue, settings in open_configured(args):
        found = queue.health(settings.rate_limit, args.local)
        healthy &= found.healthy
        if found.healthy and args.quiet:
            continue
        if args.json:
            print_json({"queue": queue.name, "healthy": found.healthy, "detail": found.detail})
        else:
            word = "ok" if found.healthy else "error"
            print_line(f"{word:<6} {queue.name}: {found.detail}")
    return 0 if healthy else EXIT_FAILED
