"""The invariants hold after any transitions in any order."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from . import invariants
from .failing import failing
from .redis_state import NOW, RedisState, State

STEPS = 100


def moves(random: Random, state: State) -> Iterator[tuple[str | int, ...]]:
    """Yield one call of each transition, valid now or not."""
    jobs = state.get("jobs", {})
    job_id = random.choice([*jobs, "unknown"])
    instance, slot = random.choice("xy"), random.randrange(2)
    worker_id = f"{instance}:{slot}"
    held = (state.get("active", {}).get(worker_id) or ["unknown"])[-1]
    attempt = (held, worker_id, jobs.get(held, {}).get("fencingToken", 1))
    new = f"n{random.randrange(40)}"
    yield "enqueue", new, "{}", random.choice([1, 50, 50, 99]), random.choice([0, 0, 30])
    yield "claim", instance, slot, 200, random.choice([0, 3]), 50, 30
    yield "complete", *attempt, "{}", 60_000, 3
    yield (
        "retry",
        *attempt,
        *failing(
            "{}",
            random.choice(["unknown", "service", "refused", "paid", "machine", "invalid"]),
            1,
            20,
            ceiling=40,
        ),
    )
    yield "release", *attempt, random.choice([0, 10]), "why"
    yield "heartbeat", instance, 200, 2, random.choice([0, 1]), 0, 0, 0
    yield "recover", worker_id, random.choice("01"), 2
    yield "reap", 2, 10, "", 100, 10**12, 200, 10**15
    yield "leave", instance
    yield "promote_due", 10
    yield "replay", job_id
    yield "purge", job_id
    yield "cancel", job_id, 60_000


@pytest.mark.parametrize("seed", range(3))
def test_invariants_after_random_transitions_hold(redis_state: RedisState, seed: int) -> None:
    random = Random(seed)
    now, state = NOW, redis_state.read()
    for step in range(STEPS):
        now += random.choice([0, 1, 7])
        if random.random() < 0.3:
            instance, slot = random.choice("xy"), random.randrange(2)
            # A pop and its claim are sent together.
            redis_state.take(f"{instance}:{slot}")
            redis_state.call("claim", instance, slot, 200, 3, 50, 30, now=now)
        if random.random() < 0.05:
            redis_state.push(random.choice(['{"raw":1}', "malformed"]))
        options = [*moves(random, state)]
        name, *arguments = random.choice(options + options[:4] * 3)
        redis_state.call(str(name), *arguments, now=now)
        before, state = state, redis_state.read()
        try:
            invariants.check(state)
        except AssertionError as error:
            raise AssertionError(f"step {step}: {name} {arguments} in {before}") from error
