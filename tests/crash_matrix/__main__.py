"""`python -m tests.crash_matrix`."""

from __future__ import annotations

import logging
import tempfile
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from tests.support import report
from tests.support.tool import run_tool

from . import __doc__ as description
from .crash_points import CRASH_POINTS, CrashPoint
from .environment import Environment, set_up
from .experiment import Experiment, Fault, play

#: Whether the caller is killed.
KILLED = (False, True)


def main() -> int:
    """Return 1 if an invariant was broken."""
    parser = ArgumentParser(
        prog="python -m tests.crash_matrix",
        description=description,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="transitions whose name contains this")
    args = parser.parse_args()
    chosen = [crash_point for crash_point in CRASH_POINTS if args.only in crash_point.name]
    logging.disable(logging.ERROR)  # errors of Redis are expected here
    began, broken = time.monotonic(), list[str]()
    print(report.heading(["transition", *(fault.value for fault in Fault)]), flush=True)
    with tempfile.TemporaryDirectory() as folder, set_up(Path(folder)) as environment:
        for crash_point in chosen:
            print(row(crash_point, environment, broken), flush=True)
    cases = len(chosen) * len(Fault) * len(KILLED)
    print(f"\n{cases} cases, {len(broken)} broken; {time.monotonic() - began:.0f} s")
    print("\n".join(broken))
    return 1 if broken else 0


def row(crash_point: CrashPoint, environment: Environment, broken: list[str]) -> str:
    """Return the line of a crash point: for each fault, how many times its jobs ran more often than without
    one, if the caller survives and if it is killed."""
    pairs = [
        " · ".join(_played(Experiment(crash_point, fault, killed), environment, broken) for killed in KILLED)
        for fault in Fault
    ]
    return report.row([crash_point.name, *pairs])


def _played(experiment: Experiment, environment: Environment, broken: list[str]) -> str:
    try:
        return str(play(experiment, environment))
    except AssertionError as error:
        broken.append(f"{experiment}: {error}")
        return "BROKEN"


if __name__ == "__main__":
    run_tool(main)
