"""One scenario: failovers while jobs are added and done, and what became of the jobs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from redis import Redis

from .ledger import IN_FLIGHT, Ledger
from .load import Load
from .scenarios import Scenario
from .servers import CUT_OFF, Replicated

#: Jobs that have to end after each failover before the next one, and seconds until it, at random.
_BETWEEN, _PAUSE = 100, 1.0

#: Seconds before a failover in which the standstill may begin.
_BEFORE = 0.1


@dataclass(frozen=True)
class Outcome:
    """What was seen. `failovers` are when each began and was over, s of the monotonic clock."""

    scenario: Scenario
    failovers: list[tuple[float, float]]
    ledger: Ledger

    @property
    def pauses(self) -> list[float]:
        """Of each failover, the longest time in which no job started, s."""
        return [self.ledger.longest_pause(begin - _BEFORE, end) for begin, end in self.failovers]

    def unexplained(self) -> list[str]:
        """Jobs that ran twice and were not in flight at any failover."""
        lag = CUT_OFF if self.scenario.way == "cut_off_and_kill" else 0.0
        return self.ledger.unexplained([begin for begin, _ in self.failovers], IN_FLIGHT + lag)

    def problems(self) -> list[str]:
        """What should not have happened, as lines."""
        found = []
        if self.scenario.is_certain and (lost := self.ledger.lost()):
            found.append(f"{len(lost)} acknowledged jobs were lost: {', '.join(lost[:5])}")
        if self.scenario.is_certain and (twice := self.unexplained()):
            found.append(f"{len(twice)} jobs ran twice and were not in flight: {', '.join(twice[:5])}")
        if self.scenario.is_certain and self.scenario.replicas and (again := self.ledger.paid_again()):
            found.append(f"{len(again)} jobs paid again for what was kept: {', '.join(again[:5])}")
        return found


def run(scenario: Scenario, times: int, replicated: Replicated, folder: Path, random: Random) -> Outcome:
    """Raises AssertionError if work does not go on after a failover."""
    with Redis.from_url(replicated.primary.url) as client:
        client.flushall()
    replicated.configure({"min-replicas-to-write": "0", **scenario.settings})
    failovers = []
    with Load(folder, replicated.url, variables=scenario.variables) as load:
        for _ in range(times):
            time.sleep(random.uniform(0, _PAUSE))
            began = time.monotonic()
            scenario.fail_over(replicated)
            load.await_progress(_BETWEEN)
            failovers.append((began, time.monotonic()))
        return Outcome(scenario, failovers, load.finish())
