"""`preppath-workers check`: looks at what the workers need before they need it."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..config import load, read_environment
from ..errors import ConfigError
from ..handlers import KINDS
from ..settings import Config
from .arguments import add_command
from .check_models import check_models
from .findings import Finding

if TYPE_CHECKING:
    from .arguments import Subparsers

#: In the order in which they are told. A check asks the outside world and returns what it finds; what it
#: expects to go wrong is a finding too, so that one check does not hide the others.
CHECKS: tuple[Callable[[Config], Iterable[Finding]], ...] = (check_models,)

#: The exit code, by the worst finding.
_EXIT_CODES = {"ok": 0, "warning": 1, "error": 2}


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command."""
    parser = add_command(
        subparsers,
        "check",
        "look up the configured models and report what is wrong, or will be soon",
        """
        example: preppath-workers check --config .env

        exit codes: 0 all is well, 1 there are warnings, 2 there are errors (a wrong configuration is one)
        """,
    )
    parser.add_argument("--json", action="store_true", help="print a JSON array of {status, what, detail}")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Prints a line for each finding, and returns the exit code."""
    findings = list(_findings(args.config))
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            print(f"{finding.status:<8} {finding.what}: {finding.detail}")
    return max((_EXIT_CODES[finding.status] for finding in findings), default=0)


def _findings(path: str | None) -> Iterator[Finding]:
    try:
        config = load(read_environment(path), [kind.defaults for kind in KINDS])
    except ConfigError as error:
        for problem in error.problems:
            yield Finding("error", "configuration", problem)
        return
    for check in CHECKS:
        yield from check(config)
