"""`python -m tests.rate_limiter --seconds 60`: real instances under a rate limit, and what became of it.

Three instances of three workers each, their clocks hours wrong, work a backlog. Three times: left alone; one
of them stopped in good order every few seconds, and started again; one of them killed with its workers.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from redis import Redis

from preppath_workers.config.model import RateLimit
from tests.integration.worker.harness import App
from tests.support import report
from tests.support.redis import RedisServer

from .trial import Disturb, Seen, Trial

HEADINGS = (
    "scenario",
    "starts",
    "fullest window",
    "by handlers",
    "used",
    "mean late",
    "most late",
    "first start",
)


def left_alone(apps: Sequence[App]) -> None:
    pass


def ended_by(number: signal.Signals, every: float) -> Disturb:
    """One instance after the other ends, and starts again."""
    turns, ending = cycle(range(3)), list[App]()
    due = time.monotonic() + every

    def disturb(apps: Sequence[App]) -> None:
        nonlocal due
        for app in [app for app in ending if app.process and app.process.poll() is not None]:
            ending.remove(app)
            app.launch()
        if time.monotonic() > due and not ending:
            due = time.monotonic() + every
            ending.append(apps[next(turns)])
            ending[0].send(number)

    return disturb


def measure(disturb: Disturb, limit: RateLimit, seconds: float) -> Seen:
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisServer() as server,
        Redis.from_url(server.url, decode_responses=True) as redis,
    ):
        return Trial(redis, server.url, "trial", Path(folder), limit, seconds, disturb).run()


def row(name: str, seen: Seen) -> tuple[str, ...]:
    late = seen.lateness
    return (
        name,
        str(len(seen.runs)),
        f"{seen.fullest_by_server} of {seen.limit.max}",
        str(seen.fullest_by_handlers),
        f"{seen.utilisation:.1%}",
        f"{sum(late) / len(late):.1f} ms",
        f"{max(late):.0f} ms",
        f"{max(seen.waits):.0f} ms",
    )


def main() -> int:
    """Returns 1 where a window held too many."""
    parser = argparse.ArgumentParser(prog="python -m tests.rate_limiter", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="of each scenario; %(default)g if not given"
    )
    parser.add_argument("--limit", default="20/2", help="starts per seconds; %(default)s if not given")
    args = parser.parse_args()
    maximum, duration = args.limit.split("/")
    limit = RateLimit(int(maximum), float(duration))
    scenarios = {
        "left alone": left_alone,
        "stopped, every 5 s one": ended_by(signal.SIGTERM, 5),
        "killed, every 5 s one": ended_by(signal.SIGKILL, 5),
    }
    kept = True
    print(f"limit {limit}, {args.seconds:g} s each\n{report.heading(HEADINGS)}")
    for name, disturb in scenarios.items():
        seen = measure(disturb, limit, args.seconds)
        print(report.row(row(name, seen)), flush=True)
        kept = kept and max(seen.fullest_by_server, seen.fullest_by_handlers) <= limit.max
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
