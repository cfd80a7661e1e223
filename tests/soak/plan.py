"""How many jobs there are, and what happens to the processes and connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from preppath_workers import NewJob

Trouble = Literal[
    "kill a process", "kill a supervisor", "restart Redis", "cut silently", "stop past the lease"
]

#: Recoveries and retries of a job; seconds before a retry and of a lease.
RECOVERIES, RETRIES, BACKOFF, LEASE = 2, 1, 0.5, 3.0

#: Workers of each supervisor.
WORKERS = 4

#: The key prefix of each supervisor: two share one.
PREFIXES = ("north", "north", "south")


@dataclass(frozen=True)
class Plan:
    """Jobs and troubles, spread over the trial's seconds. `poison` jobs kill every worker that runs them."""

    seconds: float
    jobs: int
    poison: int
    troubles: Mapping[Trouble, int]

    def schedule(self, random: Random) -> list[tuple[float, Trouble]]:
        """Return the troubles in order, each with its seconds from the start."""
        drawn = [trouble for trouble, times in self.troubles.items() for _ in range(times)]
        random.shuffle(drawn)
        return [
            ((number + 1) * self.seconds / (len(drawn) + 1), trouble) for number, trouble in enumerate(drawn)
        ]

    def work(self, random: Random) -> list[NewJob]:
        """Return all jobs in the order in which they are added. The first letter of an id is its kind:
        `p`oison, `f`ails until its retries are used up, `d`elayed, or `n`ormal."""
        fates = ["p"] * self.poison + random.choices("fdn", [3, 5, 92], k=self.jobs - self.poison)
        random.shuffle(fates)
        return [self._job(f"{fate}{number}", random) for number, fate in enumerate(fates)]

    @staticmethod
    def _job(job_id: str, random: Random) -> NewJob:
        delay = random.uniform(0.1, 3) if job_id[0] == "d" else 0.0
        priority = random.choice([1, 10, 50, 50, 50, 90])
        return NewJob({"ms": random.randint(20, 140)}, job_id, priority, delay)


LONG = Plan(
    seconds=720,
    jobs=50_000,
    poison=1_000,
    troubles={
        "kill a process": 460,
        "kill a supervisor": 60,
        "restart Redis": 55,
        "cut silently": 60,
        "stop past the lease": 20,
    },
)

SHORT = Plan(
    seconds=30,
    jobs=1_500,
    poison=30,
    troubles={
        "kill a process": 24,
        "kill a supervisor": 3,
        "restart Redis": 3,
        "cut silently": 3,
        "stop past the lease": 1,
    },
)
