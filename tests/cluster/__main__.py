"""`python -m tests.cluster`."""

from __future__ import annotations

import tempfile
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

from tests.failover.ledger import Ledger
from tests.failover.load import Load
from tests.servers.programs import version
from tests.support import report
from tests.support.cluster import Cluster
from tests.support.redis import program
from tests.support.tool import run_tool

from . import __doc__ as description
from . import nodes

_HEADINGS = (
    "what happens",
    "WAIT",
    "times",
    "acknowledged",
    "completed",
    "lost",
    "run twice, of them not in flight",
    "s until work goes on: median, most",
    "other queues' longest pause",
)

#: Jobs a second and queue; jobs of each queue that have to end before the next time; seconds until then.
_RATE, _BETWEEN, _PAUSE = 40.0, 50, 1.0


@dataclass(frozen=True)
class Scenario:
    """`replicas` must confirm what is added. `is_certain`: Redis itself loses nothing, so neither may we."""

    name: str
    strike: Callable[[Cluster, str], None]
    replicas: int = 0
    is_certain: bool = True


@dataclass(frozen=True)
class Outcome:
    """What was seen. Each strike hit one queue's node: its name, and when it began and was over."""

    scenario: Scenario
    strikes: list[tuple[str, float, float]]
    queues: list[str]
    ledger: Ledger

    def unexplained(self) -> list[str]:
        return self.ledger.unexplained([began for _, began, _ in self.strikes])

    def pauses(self) -> list[float]:
        return [self.ledger.longest_pause(began, end, f"{name}-") for name, began, end in self.strikes]

    def others(self) -> float:
        return max(
            self.ledger.longest_pause(began, end, f"{name}-")
            for struck, began, end in self.strikes
            for name in self.queues
            if name != struck
        )

    def problems(self) -> list[str]:
        found = []
        if self.scenario.is_certain and (lost := self.ledger.lost()):
            found.append(f"{self.scenario.name}: {len(lost)} acknowledged jobs were lost: {lost[:5]}")
        if self.scenario.is_certain and (twice := self.unexplained()):
            found.append(f"{self.scenario.name}: {len(twice)} jobs not in flight ran twice: {twice[:5]}")
        return found

    def cells(self) -> list[str]:
        ledger, pauses = self.ledger, self.pauses()
        return [
            self.scenario.name,
            str(self.scenario.replicas or "no"),
            str(len(self.strikes)),
            f"{len(ledger.accepted):,}",
            f"{len(ledger.completed()):,}",
            str(len(ledger.lost())),
            f"{len(ledger.run_twice())}, {len(self.unexplained())}",
            f"{median(pauses):.1f}, {max(pauses):.1f}",
            f"{self.others():.1f}",
        ]


SCENARIOS = (
    Scenario("a slot is moved key by key", nodes.move_slot),
    Scenario("CLUSTER FAILOVER", nodes.switch),
    Scenario("kill -9 of a primary", nodes.kill, is_certain=False),
    Scenario("kill -9 of a primary", nodes.kill, replicas=1),
)


def main() -> int:
    """Return 1 if a job was lost or run twice that Redis had not lost."""
    parser = ArgumentParser(
        prog="python -m tests.cluster", description=description, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="run each scenario once")
    parser.add_argument("--seed", type=int, default=1, help="draw queues and times from this seed")
    args = parser.parse_args()
    print(f"{version(program())}; 3 primaries, 3 replicas, 2 supervisors of 4 workers for each of 3 queues")
    print(report.heading(_HEADINGS), flush=True)
    problems: list[str] = []
    for scenario in SCENARIOS:
        outcome = _run(scenario, 1 if args.quick else 5, Random(args.seed))
        print(report.row(outcome.cells()), flush=True)
        problems += outcome.problems()
    print("\n".join(problems) or "Nothing was lost or done twice that Redis had confirmed.")
    return 1 if problems else 0


def _run(scenario: Scenario, times: int, random: Random) -> Outcome:
    wait = {
        "ENQUEUE_WAIT_REPLICAS": str(scenario.replicas),
        "CHECKPOINT_WAIT_REPLICAS": str(scenario.replicas),
    }
    with Cluster(replicas=3) as cluster, tempfile.TemporaryDirectory() as folder:
        names = nodes.queues(cluster)
        with Load(Path(folder), cluster.url, names, _RATE, wait) as load:
            strikes = []
            for _ in range(times):
                time.sleep(random.uniform(0, _PAUSE))
                struck, began = random.choice(names), time.monotonic()
                scenario.strike(cluster, struck)
                load.await_progress(_BETWEEN)
                strikes.append((struck, began, time.monotonic()))
            return Outcome(scenario, strikes, names, load.finish())


if __name__ == "__main__":
    run_tool(main)
