"""`python -m tests.bench.growth`: how the cost of each step grows with jobs, payloads and workers.

Milliseconds are medians of some dozen calls by one client on an otherwise idle server.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Sequence

from preppath_workers.store.connections.connection import client
from tests.support import report
from tests.support.servers import running
from tests.support.tool import run_tool

from . import backlog, burst, insertion, payload, processes
from .server import BenchServer, version

#: Delayed jobs that are due at once, and numbers of instances.
BURST, INSTANCES = 100_000, (1, 10, 50, 500)


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--most", type=int, default=backlog.BACKLOGS[-1], help="set the largest backlog")
    args = parser.parse_args()
    server = BenchServer()
    with running(server):
        url = server.url
        print(f"{version(client(url))}\n")
        backlogs = [jobs for jobs in backlog.BACKLOGS if jobs <= args.most]
        _table(backlog.HEADINGS, (backlog.Backlog(url, jobs).row() for jobs in backlogs))
        waiting = [(others, own) for others, own in insertion.JOBS if others <= args.most]
        _table(insertion.HEADINGS, (insertion.Insertion(url, *jobs).row() for jobs in waiting))
        _table(payload.HEADINGS, (payload.Payload(url, size).row() for size in payload.SIZES))
        _table(burst.HEADINGS, [burst.Burst(url, min(BURST, args.most)).row()])
        _table(processes.HEADINGS, (processes.Processes(url, instances).row() for instances in INSTANCES))
    return 0


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print(report.heading(headings))
    for row in rows:
        print(report.row(row), flush=True)
    print()


if __name__ == "__main__":
    run_tool(main)
