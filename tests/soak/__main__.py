"""`python -m tests.soak`."""

from __future__ import annotations

import random
import tempfile
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from tests.support import report
from tests.support.tool import run_tool

from . import __doc__ as description
from . import against
from .explain import evidence
from .invariants import Row, judge
from .observations import Observations
from .plan import LONG, SHORT
from .trial import Soak


def main() -> int:
    """Return 1 if an invariant was broken."""
    parser = ArgumentParser(
        prog="python -m tests.soak", description=description, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="run for under a minute")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10_000), help="draw the same jobs and troubles"
    )
    parser.add_argument("--against", metavar="NAMES", help="kill our workers and those of these peers alike")
    args = parser.parse_args()
    if args.against:
        with tempfile.TemporaryDirectory() as folder:
            return against.compete(args.against, Path(folder))
    plan = SHORT if args.short else LONG
    print(f"seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        observations = Soak(plan, args.seed, Path(folder), lambda line: print(line, flush=True)).run()
    rows = judge(observations)
    print("\n".join([*_summary(observations), *map(_line, rows), *evidence(observations)]))
    # Half a minute has too few deaths for a percentile, and CI no guaranteed CPU.
    return 0 if all(row.holds for row in rows if not (args.short and row.is_timing)) else 1


def _summary(observations: Observations) -> list[str]:
    troubles = ", ".join(
        f"{observations.count(trouble)} × {trouble}" for trouble in observations.plan.troubles
    )
    jobs = f"{observations.plan.jobs:,} jobs, {observations.plan.poison:,} of them poison, in {observations.seconds:.0f} s"  # noqa: E501
    return [f"{jobs}; {troubles}", "", report.heading(["invariant", "seen", "allowed", ""])]


def _line(row: Row) -> str:
    return report.row([row.invariant, row.seen, row.allowed, "kept" if row.holds else "BROKEN"])


if __name__ == "__main__":
    run_tool(main)
