"""2,000 seeds of the simulation, and proof that it can fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from preppath_workers.dev.redis import RedisServer

from .mutants import MUTANTS, Mutant, in_place
from .wire import Wire
from .world import Broken, World

#: Parts that may run side by side.
PARTS, SEEDS = 8, 2_000


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with RedisServer() as server:
        yield Wire(server.url)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_promise_is_kept_after_every_move(wire: Wire, part: int) -> None:
    for seed in range(part, SEEDS, PARTS):
        World(wire, seed).run()


def test_a_seed_plays_the_same_run_again(wire: Wire) -> None:
    runs = [World(wire, 7).run() for _ in range(2)]
    assert runs[0] == runs[1]
    assert World(wire, 8).run() != runs[0]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_variant_is_caught_by_its_seed(wire: Wire, mutant: Mutant) -> None:
    """`python -m tests.simulate --mutants` finds the first seed that does; here it is tried alone."""
    with in_place(mutant), pytest.raises(Broken) as caught:
        World(wire, mutant.seed).run()
    assert f"seed {mutant.seed}: " in str(caught.value)
