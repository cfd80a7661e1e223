"""`preppath-workers check`: check everything the workers depend on."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from ...config.load import EX_CONFIG
from ...config.model import QueueConfig
from ...errors import ConfigError
from ..arguments import add_command, refuse_with, refuse_without
from ..job_types import job_types, load_config, variables_of
from ..terminal import print_json, print_line
from .config_file import check_config_file
from .findings import Finding
from .groups import FAST, GROUPS, OF_REDIS, SERVICES, Check, Options, prepared

if TYPE_CHECKING:
    from ..arguments import Subparsers

#: The exit code for the worst finding.
_EXIT_CODES = {"ok": 0, "warning": 1, "error": 2}


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "check",
        "check services, settings and the data in Redis",
        """
        examples:
          preppath-workers check --config .env
          preppath-workers check --only models --paid
          preppath-workers check --only data --fix

        redis: version, role, replicas, sentinels, Cluster, memory policy, persistence, clock; tries one
        transition per queue. database: tables, privileges, connections.
        storage: writes, reads and deletes an object under check/. models: available, and until when;
        --paid also sends one minimal request to each, with the configured voice, temperature and
        limits, for about a cent in total. limits: the same rate limit on all machines.
        data: every job is in exactly one place. This reads the ids of all jobs. --fix moves missing,
        duplicate and misplaced jobs to the place of their state, and never deletes a job.

        With --only, just the variables of these checks are read.

        exit codes: 0 no problems; 1 warnings; 2 errors; 78 the configuration is wrong
        """,
    )
    parser.add_argument("--json", action="store_true", help="print an array of {status, what, detail}")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--only", dest="checks", action="append", choices=GROUPS, help="run only this check (repeatable)"
    )
    which.add_argument("--fast", action="store_true", help="only check that Redis and PostgreSQL answer")
    parser.add_argument("--paid", action="store_true", help="also send one minimal paid request per model")
    parser.add_argument("--fix", action="store_true", help="repair the data")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Print a line for each finding, and return the exit code."""
    for check, option in {"models": "--paid", "data": "--fix"}.items():
        if args.fast:
            refuse_with(args, "--fast", option)
        if args.checks and check not in args.checks:
            refuse_without(args, f"--only {check}", option)
    findings = []
    for finding in _findings(args):
        findings.append(finding)
        if not args.json:
            print_line(f"{finding.status:<8} {finding.what}: {finding.detail}", flush=True)
    if args.json:
        print_json([asdict(finding) for finding in findings], indent=2)
    # An exit code of its own: systemd need not restart the service until the configuration is fixed.
    if any(finding.what == "configuration" for finding in findings):
        return EX_CONFIG
    return max((_EXIT_CODES[finding.status] for finding in findings), default=0)


def _findings(args: Namespace) -> Iterator[Finding]:
    checks: Mapping[str, Check] = {}
    try:
        checks = _checks(args)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding("error", "configuration", problem)
    if not args.fast and not args.checks:
        # Also if the configuration is wrong: a name may be misspelt.
        with suppress(ConfigError):
            yield from check_config_file(args.config, _defaults(args))
    is_away = False
    for name, check in checks.items():
        if is_away and name in OF_REDIS:
            continue
        for finding in check():
            is_away = is_away or finding == Finding("error", "redis", finding.detail)
            yield finding


def _checks(args: Namespace) -> Mapping[str, Check]:
    """Return the checks that were asked for. Raises ConfigError with all problems of what they read, without
    --only with those of the whole configuration."""
    if not args.checks:
        load_config(args)
    defaults = _defaults(args)
    used = {service.partition(".")[0] for queue in defaults for service in queue.services}
    asked = {
        name: group
        for name, group in (FAST if args.fast else GROUPS).items()
        if name in (args.checks or GROUPS) and SERVICES.get(name) in (None, *used)
    }
    return prepared(asked, variables_of(args), defaults, Options(args.paid, args.fix))


def _defaults(args: Namespace) -> list[QueueConfig]:
    return [job_type.defaults for job_type in job_types(args)]
