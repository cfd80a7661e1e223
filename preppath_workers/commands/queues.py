"""`preppath-workers queues`: shows all queues at a glance."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..queue.job import iso
from ..queue.queue import Gate, Queue
from ..queue.writes import refusal
from .arguments import add_command
from .queue_argument import open_configured

if TYPE_CHECKING:
    from .arguments import Subparsers

_COLUMNS = ("queue", "waiting", "active", "delayed", "failed", "completed", "children", "rate limit", "gate")


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command."""
    parser = add_command(
        subparsers,
        "queues",
        "show every queue: jobs by state, children, rate limit, whether jobs may start",
        """
        example:
          preppath-workers queues --config .env

        children: those of all live instances. completed: the recent ones that are listed.
        rate limit: starts per seconds, by this configuration.

        exit codes: 0; 69 Redis does not answer; 78 the configuration is wrong
        """,
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object for each queue, one a line")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Shows the queues. Raises ConfigError."""
    rows = []
    for queue, settings in open_configured(args):
        gate, refused = queue.gate(), refusal(queue)
        limit = str(settings.rate_limit) if settings.rate_limit else None
        if args.json:
            print(json.dumps(_json(queue, gate, refused, limit)))
        else:
            counts = map(str, asdict(queue.counts()).values())
            rows.append([settings.name, *counts, limit or "none", refused or _gate(gate)])
    if not args.json:
        print(_table([_COLUMNS, *rows]))
    return 0


def _json(queue: Queue, gate: Gate, refused: str | None, limit: str | None) -> dict[str, Any]:
    state = {
        "paused": gate.paused,
        "heldMs": gate.held_ms,
        "outOfService": gate.service,
        "outOfServiceSince": iso(gate.since),
        "nextProbeMs": gate.probe_ms if gate.out_of_service else None,
        "reason": gate.reason,
        "refusal": refused,
    }
    return {"queue": queue.name, **asdict(queue.counts()), "rateLimit": limit, **state}


def _gate(gate: Gate) -> str:
    if gate.paused:
        return "paused"
    if gate.out_of_service:
        return f"out of service, next probe in {gate.probe_ms / 1000:.0f} s: {gate.service}: {gate.reason}"
    if gate.held_ms:
        return f"held for {gate.held_ms / 1000:.0f} s: {gate.reason}"
    return "open"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
