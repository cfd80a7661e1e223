"""Some seeds of the simulation, among them each that catches a broken variant, and proof that it can fail."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from tests.simulation.model import Broken, Model
from tests.simulation.mutants import MUTANTS, Mutant, in_place, seeds_until_caught
from tests.simulation.proxy import Proxy, Refused
from tests.simulation.snapshot import Camera
from tests.support.redis import RedisServer

pytestmark = pytest.mark.trial

#: Parts that may run side by side.
PARTS = 4

#: The first seeds, and each that catches a broken variant. `python -m tests.simulation` plays more of them.
SEEDS = sorted({*range(10), *(mutant.seed for mutant in MUTANTS)})


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with RedisServer() as server:
        yield Proxy(server.url)


@pytest.mark.parametrize("part", range(PARTS))
def test_simulation_of_some_seeds_keeps_every_invariant(proxy: Proxy, part: int) -> None:
    for seed in SEEDS[part::PARTS]:
        Model(proxy, seed).run()


def test_a_seed_plays_the_same_run_again(proxy: Proxy) -> None:
    runs = [Model(proxy, 7).run() for _ in range(2)]
    assert runs[0] == runs[1]
    assert Model(proxy, 8).run() != runs[0]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_variant_is_caught_by_its_seed(proxy: Proxy, mutant: Mutant) -> None:
    """`python -m tests.simulation --mutants` finds the first seed that does; here it is tried alone."""
    with in_place(mutant), pytest.raises(Broken) as caught:
        Model(proxy, mutant.seed).run()
    assert f"seed {mutant.seed}: " in str(caught.value)


@pytest.mark.parametrize(
    "error", [AttributeError("a bug"), Refused("a bug")], ids=lambda error: type(error).__name__
)
def test_a_bug_of_the_simulation_is_not_a_broken_invariant(proxy: Proxy, error: Exception) -> None:
    with patch.object(Camera, "take", side_effect=error), pytest.raises(type(error)) as raised:
        Model(proxy, 0).run()
    assert "seed 0: " in "".join(raised.value.__notes__)


def test_a_broken_variant_whose_text_fails_is_not_caught_by_that(proxy: Proxy) -> None:
    mutant = Mutant("a typing error", "redis.call('LPUSH', DEAD, id)", "redis.call('LPUSH', DAED, id)", 0)
    with pytest.raises(Refused):
        seeds_until_caught(proxy, mutant, 100)
