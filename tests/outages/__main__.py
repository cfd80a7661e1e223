"""`python -m tests.outages`."""

from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from fnmatch import fnmatch
from pathlib import Path

from tests.conftest import VARIABLES
from tests.support.tool import run_tool

from . import __doc__ as description
from . import report
from .clock import library
from .invariants import medians
from .rounds import play_all
from .table import full, quick


def main() -> int:
    """Return 1 if a case fell short."""
    parser = ArgumentParser(
        prog="python -m tests.outages", description=description, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="play some cases, under three minutes")
    parser.add_argument(
        "--only", default="*", metavar="PATTERN", help="play cases like this, such as 's3/*/2'"
    )
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="cases played in parallel (2)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the workers' logs here")
    args = parser.parse_args()
    for name in [name for name in os.environ if name.startswith((*VARIABLES, "PG"))]:
        del os.environ[name]
    cases = [case for case in (quick() if args.quick else full()) if fnmatch(str(case), args.only)]
    missing = [case for case in cases if case.stops_nothing] if library() is None else []
    with tempfile.TemporaryDirectory(prefix="outages-") as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(exist_ok=True, parents=True)
        folder.chmod(0o711)
        print(report.heading(), flush=True)
        rows = []
        for row in play_all([case for case in cases if case not in missing], folder, args.at_once):
            rows.append(row)
            print(report.row(row), flush=True)
    waits = medians(rows)
    print("\n".join(report.summary(rows, waits)))
    for case in missing:
        print(f"{case}: not played, libfaketime is not installed")
    short = any(row.shortcomings for row in rows) or not all(wait.holds for wait in waits)
    return 1 if short or not rows else 0


if __name__ == "__main__":
    run_tool(main)
