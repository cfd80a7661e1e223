"""`python -m tests.budget`: the ledger against the vendor's own, and a cap against twenty workers."""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.tool import run_tool

from . import ledgers
from .environment import Environment, set_up, until


def accuracy(jobs: int, kills: int, rng: random.Random) -> list[str]:
    """Work off jobs with faults and kills. Return the differences between the ledgers."""
    with tempfile.TemporaryDirectory() as folder, set_up(Path(folder), latency=0.05) as environment:
        environment.order_faults(jobs // 5, rng)
        environment.enqueue(jobs, rng, "score", "hear", "speak")
        environment.start(BUDGET_DAY="1000")
        is_done = until(environment.is_done, 60 + jobs, _killer(environment, kills, jobs, rng))
        is_settled = until(lambda: not ledgers.budget(environment.redis)["reserved"], 60)
        environment.stop()
        found = ledgers.read(environment.redis, environment.vendor)
        wrong = found.wrong + ledgers.leaks(environment.redis, found)
        wrong += [] if is_done else ["jobs are left"]
        wrong += [] if is_settled else ["reservations are left"]
        print(f"accuracy: {jobs} jobs, {environment.kills} kills, {len(found.charges)} charged requests")
        print(f"  vendor charged      {found.charged:>15,} nano-dollars")
        print(f"  ledger              {found.known:>15,}")
        print(
            f"  charged, no answer  {found.charged_unseen:>15,}  within unknown, {len(found.unknown)} calls:"
        )
        for call in found.unknown:
            print(f"    {call['job']}, attempt {call['attempt']}: up to {call['nano']:,}")
        return wrong


def cap(jobs: int, kills: int, rng: random.Random) -> list[str]:
    """Let twenty workers run into a cap. Return how it was exceeded, or what leaked."""
    with tempfile.TemporaryDirectory() as folder, set_up(Path(folder), latency=0.05) as environment:
        environment.enqueue(jobs, rng, "score")
        # A request can cost up to 750,000; it does cost some 45,000.
        limit = 20_000 * jobs + 800_000
        wrong, highest = [], 0

        def look() -> None:
            nonlocal highest
            has = ledgers.budget(environment.redis)
            highest = max(highest, sum(has.values()))
            kill()

        kill = _killer(environment, kills, jobs // 2, rng)
        environment.start(BUDGET_DAY=f"{limit / 1e9:.9f}", RIGHT_BUDGET_DAY=f"{limit / 3e9:.9f}")
        is_held = until(lambda: _is_held(environment), 60 + jobs // 2, look)
        is_settled = until(lambda: not ledgers.budget(environment.redis)["reserved"], 60, look)
        done = sum(queue.statistics().get("completed", 0) for queue in environment.queues.values())
        environment.stop()
        found = ledgers.read(environment.redis, environment.vendor)
        right = ledgers.budget(environment.redis, "queue right")
        wrong += found.wrong + ledgers.leaks(environment.redis, found)
        if max(highest, found.charged) > limit or right["spent"] > limit // 3 + 1:
            wrong.append(
                f"the cap is {limit:,}, reserved and spent were {highest:,}, charged {found.charged:,}"
            )
        wrong += [] if is_held else ["the queues are not held"]
        wrong += [] if is_settled else ["reservations are left"]
        print(f"cap: {limit:,} nano-dollars, {done} of {jobs} jobs, {environment.kills} kills")
        print(f"  reserved and spent, at most  {highest:>12,}")
        print(f"  vendor charged               {found.charged:>12,}; both queues are held")
        return wrong


def _is_held(environment: Environment) -> bool:
    return all("budget" in (queue.gate().reason or "") for queue in environment.queues.values())


def _killer(environment: Environment, kills: int, jobs: int, rng: random.Random) -> Callable[[], None]:
    """Return a function that kills a worker whenever another part of the jobs is done."""

    def kill() -> None:
        done = sum(queue.statistics().get("completed", 0) for queue in environment.queues.values())
        if environment.kills < kills and done * (kills + 1) >= (environment.kills + 1) * jobs:
            environment.kill_a_worker(rng)

    return kill


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.budget", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer jobs and kills")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="draw the same faults and kills")
    options = parser.parse_args()
    jobs, kills = (100, 5) if options.quick else (1_000, 20)
    rng = random.Random(options.seed)
    print(f"seed {options.seed}")
    wrong = accuracy(jobs, kills, rng) + cap(jobs, kills // 2, rng)
    for each in wrong:
        print(f"WRONG: {each}")
    return bool(wrong)


if __name__ == "__main__":
    run_tool(main)
