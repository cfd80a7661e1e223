"""Some hundred seeds of the simulation, and proof that it can fail."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from preppath_workers.dev.redis import RedisServer

from .mutants import MUTANTS, Mutant, in_place, seeds_until_caught
from .snapshot import Camera
from .wire import Refused, Wire
from .world import Broken, World

#: Parts that may run side by side, and the seeds of all: more than any broken variant needs to be caught.
PARTS, SEEDS = 4, 300


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


@pytest.mark.parametrize(
    "error", [AttributeError("a bug"), Refused("a bug")], ids=lambda error: type(error).__name__
)
def test_a_bug_of_the_simulation_is_not_a_broken_promise(wire: Wire, error: Exception) -> None:
    with patch.object(Camera, "take", side_effect=error), pytest.raises(type(error)) as raised:
        World(wire, 0).run()
    assert "seed 0: " in "".join(raised.value.__notes__)


def test_a_broken_variant_whose_text_fails_is_not_caught_by_that(wire: Wire) -> None:
    mutant = Mutant("a typing error", "redis.call('LPUSH', DEAD, id)", "redis.call('LPUSH', DAED, id)", 0)
    with pytest.raises(Refused):
        seeds_until_caught(wire, mutant, 100)


def test_no_broken_variant_needs_more_seeds_than_are_played() -> None:
    assert max(mutant.seed for mutant in MUTANTS) < SEEDS
