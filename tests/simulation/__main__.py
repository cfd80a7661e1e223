"""`python -m tests.simulation`."""

from __future__ import annotations

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter

from tests.support.redis import RedisServer
from tests.support.tool import run_tool

from . import __doc__ as description
from .model import Broken, Model
from .mutants import MUTANTS, seeds_until_caught
from .proxy import Proxy


def main() -> int:
    parser = ArgumentParser(
        prog="python -m tests.simulation",
        description=description,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seeds", type=int, default=2_000, metavar="N", help="play N seeds, %(default)s if not given"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="play this one and print its trace")
    parser.add_argument("--mutants", action="store_true", help="see whether each broken variant is caught")
    args = parser.parse_args()
    with RedisServer() as server:
        proxy = Proxy(server.url)
        if args.mutants:
            return _mutants(proxy, args.seeds)
        if args.seed is not None:
            try:
                print("\n".join(Model(proxy, args.seed).run()))
            except Broken as broken:
                print(broken)
                return 1
            return 0
        return _seeds(proxy, args.seeds)


def _seeds(proxy: Proxy, number: int) -> int:
    began, moves = time.monotonic(), 0
    for seed in range(number):
        try:
            moves += len(Model(proxy, seed).run())
        except Broken as broken:
            print(broken)
            return 1
    print(f"{number:,} seeds, {moves:,} moves, all invariants held; {time.monotonic() - began:.1f} s")
    return 0


def _mutants(proxy: Proxy, most: int) -> int:
    escaped = 0
    for mutant in MUTANTS:
        seeds = seeds_until_caught(proxy, mutant, most)
        escaped += seeds is None
        print(f"{'ESCAPED' if seeds is None else f'seed {seeds}':<10} {mutant.name}")
    print(f"{len(MUTANTS) - escaped} of {len(MUTANTS)} broken variants were caught")
    return 1 if escaped else 0


if __name__ == "__main__":
    run_tool(main)
