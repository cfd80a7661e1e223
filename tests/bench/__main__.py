"""`python -m tests.bench`."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from redis import Redis

from tests.support.servers import running
from tests.support.tool import run_tool

from . import __doc__ as description
from . import in_flight
from .figures import Figures, as_json, percentiles, table
from .measure import Lost, Measure
from .server import BenchServer, version
from .systems import ALL, OURS, System

#: Measures one aspect of a system, with fewer samples if `quick`; its docstring names the aspect.
Step = Callable[[Measure, Figures, bool], None]

#: The systems that `--quick` measures.
_QUICK = ("preppath-workers", "limit: BRPOPLPUSH, LREM", "limit: [LREM, BRPOPLPUSH]", "dramatiq", "huey")

#: Numbers of worker processes, as in the table's headings.
PROCESSES = (2, 10)

#: Seconds to wait until a killed worker's job runs again.
_PATIENCE = 90.0


def main() -> int:
    """Return 1 if preppath-workers could not be measured."""
    args = _arguments()
    compared = in_flight.systems() if args.in_flight else ALL
    systems = [system for system in compared if _is_wanted(system.name, args)]
    found = {system: Figures(system.name, system.remark) for system in systems}
    for system in systems:
        if system.package:
            _report(f"{system.name}: {system.package}")
        found[system].failure = system.install()
    usable = [system for system in systems if not found[system].failure]
    server = BenchServer()
    with running(server):  # also stops it if a time limit ends this program
        redis = Redis.from_url(server.url, decode_responses=True)
        python, day = platform.python_version(), time.strftime("%Y-%m-%d")
        title = f"{version(redis)}, {os.cpu_count()} cores, Python {python}, {day}"
        if args.in_flight:
            print(f"{title}\n")
            in_flight.print_table(redis, server.url, usable)
            return 0
        for step in [_speed] * args.repeat + [_memory] * (not args.quick):
            for system in usable:
                _attempt(step, Measure(system, server.url), found[system], args.quick)
        if not args.quick:
            _recoveries([system for system in usable if system.has_recovery], found)
        trips = Measure(OURS, server.url).round_trips(300)
    ours = found.get(OURS, Figures(OURS.name))
    print(f"{title}\n\n{table([*found.values()], ours)}")
    print(f"\nA round trip (PING) after as long a rest, p50 / p99, ms: {percentiles(trips)}")
    if args.json:
        results = {"title": title, "systems": [as_json(figures) for figures in found.values()]}
        args.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0 if ours.rate(PROCESSES[-1]) or not _is_wanted(OURS.name, args) else 1


def _arguments() -> Namespace:
    parser = ArgumentParser(
        prog="python -m tests.bench", description=description, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--in-flight", action="store_true", help="a hundred jobs that wait for HTTP answers")
    parser.add_argument("--quick", action="store_true", help="measure less: it takes a minute")
    parser.add_argument("--only", metavar="NAMES", help="measure systems whose name contains one of these")
    parser.add_argument("--repeat", type=int, help="measure throughput this often (3; 1 with --quick)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file too")
    args = parser.parse_args()
    args.repeat = args.repeat or (1 if args.quick else 3)
    return args


def _is_wanted(name: str, args: Namespace) -> bool:
    if args.only:
        return any(part in name for part in args.only.split(","))
    return name in _QUICK if args.quick else True


def _attempt(step: Step, measure: Measure, figures: Figures, quick: bool) -> None:
    _report(f"{figures.name}: {step.__doc__}")
    try:
        step(measure, figures, quick)
    except Lost as lost:
        figures.failure = str(lost)


def _speed(measure: Measure, figures: Figures, quick: bool) -> None:
    """throughput and latency"""
    jobs = measure.system.jobs // (2 if quick else 1)
    for processes in PROCESSES:
        figures.throughput.setdefault(processes, []).append(measure.throughput(processes, jobs))
    figures.single.append(measure.enqueue(min(jobs, 3_000), bulk=False))
    figures.bulk.append(measure.enqueue(jobs, bulk=True))
    # In each repetition: latency varies over time more than any other figure. With a hundred samples, the p99
    # would be a single one.
    figures.latency += measure.latency(100 if quick else 400)


def _memory(measure: Measure, figures: Figures, _quick: bool) -> None:
    """memory"""
    figures.memory = measure.memory(PROCESSES[-1], measure.system.jobs // 10)


def _recoveries(systems: Sequence[System], found: dict[System, Figures]) -> None:
    """Measure all recoveries at the same time, each on its own server: most take long."""
    with ExitStack() as stack:
        again = {}
        for system in systems:
            _report(f"{system.name}: kill -9")
            server = stack.enter_context(BenchServer())
            try:
                again[system] = stack.enter_context(Measure(system, server.url).recovery())
            except Lost as lost:
                found[system].recovery = str(lost)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and any(seconds() is None for seconds in again.values()):
            time.sleep(0.1)
        for system, seconds in again.items():
            took = seconds()
            found[system].recovery = f"not within {_PATIENCE:.0f} s" if took is None else took


def _report(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_tool(main)
