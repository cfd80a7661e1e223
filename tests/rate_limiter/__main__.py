"""`python -m tests.rate_limiter --seconds 60`: real instances under a rate limit.

Three instances of three workers each, with clocks that are hours wrong, work a backlog, three times:
undisturbed; one instance stopped by SIGTERM every few seconds and started again; likewise with SIGKILL.
"""

from __future__ import annotations

import argparse
import signal
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
from tests.support.tool import run_tool

from .trial import Disturb, Observations, Trial

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


def undisturbed(apps: Sequence[App]) -> None:
    pass


def ended_by(number: signal.Signals, every: float) -> Disturb:
    """Return a function that signals one instance after another, and starts it again once it has ended."""
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


def measure(disturb: Disturb, limit: RateLimit, seconds: float) -> Observations:
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisServer() as server,
        Redis.from_url(server.url, decode_responses=True) as redis,
    ):
        return Trial(redis, server.url, "trial", Path(folder), limit, seconds, disturb).run()


def row(name: str, observations: Observations) -> tuple[str, ...]:
    late = observations.lateness
    return (
        name,
        str(len(observations.runs)),
        f"{observations.fullest_by_server} of {observations.limit.max}",
        str(observations.fullest_by_handlers),
        f"{observations.utilisation:.1%}",
        f"{sum(late) / len(late):.1f} ms",
        f"{max(late):.0f} ms",
        f"{max(observations.waits):.0f} ms",
    )


def main() -> int:
    """Return 1 if a window had too many starts."""
    parser = argparse.ArgumentParser(prog="python -m tests.rate_limiter", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="run each scenario this long (%(default)g)"
    )
    parser.add_argument("--limit", default="20/2", help="starts per seconds (%(default)s)")
    args = parser.parse_args()
    maximum, duration = args.limit.split("/")
    limit = RateLimit(int(maximum), float(duration))
    scenarios = {
        "undisturbed": undisturbed,
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
    run_tool(main)
