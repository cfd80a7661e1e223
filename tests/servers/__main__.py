"""`python -m tests.servers`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path

from tests.support import report
from tests.support.process import ROOT
from tests.support.tool import run_tool

from . import __doc__ as description
from .programs import SOURCES, Installed, Unavailable, version

#: All tests that touch Redis.
_WHOLE = tuple(
    f"tests/integration/{name}"
    for name in ("store", "worker", "cli", "jobs", "rate_limiter", "crash_matrix", "simulation", "soak")
)

#: Tests for which servers differ: the store, and commands and workers whose server refuses, stops or changes
#: its role.
_QUICK = (
    "tests/integration/store",
    "tests/integration/worker/test_outages.py",
    "tests/integration/worker/test_wrong_server.py",
    "tests/integration/cli/test_refused_writes.py",
)


def main() -> int:
    """Return 1 if a test failed, a server that was named cannot be had, or none can."""
    parser = ArgumentParser(
        prog="python -m tests.servers", description=description, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("servers", nargs="*", help=f"{', '.join(SOURCES)}, or the path of a program; all")
    parser.add_argument("--quick", action="store_true", help="run fewer tests: 20 s for each server")
    args = parser.parse_args()
    rows: list[list[str]] = []
    failures = 0
    for name in args.servers or SOURCES:
        try:
            program = SOURCES.get(name, Installed(name)).program()
            server = version(program)
        except Unavailable as error:
            print(f"{name}: skipped: {error}", flush=True)
            failures += name in args.servers
            continue
        print(f"{name}: {server}", flush=True)
        cells, failed = _run(program, _QUICK if args.quick else _WHOLE)
        rows.append([server, *cells])
        failures += failed
    print("\n".join([report.heading(["server", "passed", "failed", "skipped", "s"]), *map(report.row, rows)]))
    return 0 if rows and not failures else 1


def _run(program: str, tests: Sequence[str]) -> tuple[list[str], bool]:
    """Run the tests on the server; return passed, failed, skipped and seconds, and whether any failed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.xml"
        code = subprocess.run(
            [sys.executable, "-m", "pytest", *tests, f"--junit-xml={result}", "--tb=short"],
            cwd=ROOT,
            env={**os.environ, "TEST_REDIS_SERVER": program},
        ).returncode
        suite = ElementTree.parse(result).getroot()[0] if result.exists() else None  # noqa: S314 -- ours
    seconds = f"{time.monotonic() - began:.0f}"
    if suite is None:
        return ["", f"pytest exited with {code}", "", seconds], True
    number = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failed = number["failures"] + number["errors"]
    passed = number["tests"] - failed - number["skipped"]
    return [str(passed), str(failed), str(number["skipped"]), seconds], code != 0


if __name__ == "__main__":
    run_tool(main)
