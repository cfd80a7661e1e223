"""`preppath-workers check`: check everything the workers depend on."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from ...config.load import EX_CONFIG
from ...config.model import Config
from ...errors import ConfigError
from ..arguments import add_command, refuse_with, refuse_without
from ..job_types import job_types, load_config
from ..terminal import print_json, print_line
from .config_file import check_config_file
from .data import check_data, repair_data
from .findings import Finding
from .limits import check_limits
from .models import check_models
from .postgres import check_connection, check_database
from .redis import check_redis
from .requests import check_requests
from .s3 import check_storage

if TYPE_CHECKING:
    from ..arguments import Subparsers

#: A check returns findings. Expected errors are findings too, so that one check does not prevent the others.
Check = Callable[[Config], Iterable[Finding]]

#: In the order in which they are printed.
CHECKS: Mapping[str, Check] = {
    "redis": check_redis,
    "database": check_database,
    "storage": check_storage,
    "models": check_models,
    "limits": check_limits,
    "data": check_data,
}

#: What a start depends on, checked in a second or two.
FAST: Mapping[str, Check] = {"redis": check_redis, "database": check_connection}

#: The services that these checks are about. Without a job that uses it, none is checked.
_SERVICES = {"database": "database", "storage": "storage", "models": "openai"}

#: Checks that would only report once more, for each queue and after a timeout, that Redis does not answer.
_OF_REDIS = ("limits", "data")

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

        exit codes: 0 no problems; 1 warnings; 2 errors; 78 the configuration is wrong
        """,
    )
    parser.add_argument("--json", action="store_true", help="print an array of {status, what, detail}")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--only", dest="checks", action="append", choices=CHECKS, help="run only this check (repeatable)"
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
    try:
        config = load_config(args)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding("error", "configuration", problem)
        return
    if not args.fast and not args.checks:
        yield from check_config_file(args.config, [each.defaults for each in job_types(args)])
    checks = FAST if args.fast else CHECKS
    is_away = False
    for name, check in checks.items():
        if name in _SERVICES and _SERVICES[name] not in config.services:
            continue
        if (args.checks and name not in args.checks) or (is_away and name in _OF_REDIS):
            continue
        for finding in (repair_data if args.fix and name == "data" else check)(config):
            is_away = is_away or finding == Finding("error", "redis", finding.detail)
            yield finding
        if args.paid and name == "models":
            yield from check_requests(config)
