"""Ledger and budget in virtual time: some seeds, and proof that it can fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.budget.virtual import MUTANTS, catches, play
from tests.simulation.mutants import Mutant
from tests.support.redis import RedisServer


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with RedisServer() as server, Redis.from_url(server.url, decode_responses=True) as client:
        yield client


def test_money_of_some_seeds_is_never_over_the_cap_nor_lost(server: Redis) -> None:
    for seed in range(8):
        play(server, seed)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_variant_is_caught_by_its_seed(server: Redis, mutant: Mutant) -> None:
    assert catches(server, mutant)
