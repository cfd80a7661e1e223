"""`python -m tests.failover`."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from statistics import median

from tests.servers.programs import version
from tests.support import report
from tests.support.redis import program
from tests.support.tool import run_tool

from . import __doc__ as description
from .scenarios import SCENARIOS, Scenario
from .servers import Replicated, behind_an_address, under_sentinels
from .trial import Outcome, run

_HEADINGS = (
    "failover",
    "WAIT",
    "times",
    "acknowledged",
    "completed",
    "lost",
    "run twice, of them not in flight",
    "paid twice, of them kept",
    "s until work goes on: median, most",
)


def main() -> int:
    """Return 1 if a job was lost, run twice or paid twice that Redis had not lost."""
    parser = ArgumentParser(
        prog="python -m tests.failover", description=description, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="run one of each kind, under three minutes")
    parser.add_argument("--only", metavar="WORDS", help="run scenarios whose name contains these words")
    parser.add_argument("--seed", type=int, default=1, help="draw the times of the failovers from this seed")
    args = parser.parse_args()
    scenarios = [
        scenario
        for scenario in SCENARIOS
        if (scenario.is_certain or not args.quick) and (args.only or "") in scenario.name
    ]
    print(f"{version(program())}; 3 servers, 3 sentinels, 2 supervisors of 4 workers", flush=True)
    print(report.heading(_HEADINGS), flush=True)
    problems: list[str] = []
    for has_sentinels in (True, False):
        chosen = [scenario for scenario in scenarios if scenario.has_sentinels == has_sentinels]
        if chosen:
            problems += _try_all(chosen, under_sentinels() if has_sentinels else behind_an_address(), args)
    print("\n".join(problems) or "Nothing was lost or done twice that Redis had confirmed.")
    return 1 if problems else 0


def _try_all(
    scenarios: list[Scenario], servers: AbstractContextManager[Replicated], args: Namespace
) -> list[str]:
    problems: list[str] = []
    random = Random(args.seed)
    with servers as replicated:
        for scenario in scenarios:
            times = 1 if args.quick else scenario.times
            with tempfile.TemporaryDirectory() as folder:
                outcome = run(scenario, times, replicated, Path(folder), random)
            print(report.row(_cells(outcome)), flush=True)
            problems += [f"{scenario.name}: {problem}" for problem in outcome.problems()]
    return problems


def _cells(outcome: Outcome) -> list[str]:
    ledger, pauses = outcome.ledger, outcome.pauses
    return [
        outcome.scenario.name,
        str(outcome.scenario.replicas or "no"),
        str(len(pauses)),
        f"{len(ledger.accepted):,}",
        f"{len(ledger.completed()):,}",
        str(len(ledger.lost())),
        f"{len(ledger.run_twice())}, {len(outcome.unexplained())}",
        f"{len(ledger.paid_twice())}, {len(ledger.paid_again())}",
        f"{median(pauses):.1f}, {max(pauses):.1f}",
    ]


if __name__ == "__main__":
    run_tool(main)
