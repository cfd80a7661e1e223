"""`python -m tests.upgrade`."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from tests.support import report
from tests.support.redis import RedisServer
from tests.support.tool import run_tool

from . import __doc__ as description
from .refusals import not_refused
from .release import NoHistory, Release
from .trial import Trial


def main() -> int:
    """Return 1 if a job was lost or done twice, 3 if the previous release cannot be had."""
    parser = ArgumentParser(
        prog="python -m tests.upgrade", description=description, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="3 rolling restarts")
    parser.add_argument("--from", dest="revision", help="the previous release; the first with this layout")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            old = Release.previous(args.revision, Path(folder) / "old")
        except NoHistory as error:
            print(f"cannot unpack the previous release: {error}")
            return 3
        trial_folder = Path(folder) / "trial"
        trial_folder.mkdir()
        with RedisServer(settings={"appendonly": "yes"}) as server:
            trial = Trial(server.url, trial_folder, old, Release.this())
            print(f"the previous release is {old.name}", flush=True)
            trial.run(3 if args.quick else 10, lambda line: print(line, flush=True))
            rows = [
                ("jobs lost", trial.lost()),
                ("jobs run twice whose worker was not killed", trial.run_twice()),
                ("jobs paid twice whose worker was not killed", trial.paid_twice()),
                ("dead letters, and jobs in a wrong place", trial.problems_in_redis()),
                ("processes that ended with an error", trial.codes),
                ("Python errors in the logs", trial.tracebacks()),
                ("uses of a newer layout that were not refused", [*not_refused(server.url)]),
            ]
            print(
                f"{len(trial.accepted()):,} jobs by producers of both releases; {trial.restarts} supervisors "
                f"restarted as the other release, {trial.kills} of them by SIGKILL"
            )
    print(report.heading(["", "seen", ""]))
    for name, found in rows:
        print(report.row([name, str(len(found)), "; ".join(found[:5])]))
    return 1 if any(found for _, found in rows) else 0


if __name__ == "__main__":
    run_tool(main)
