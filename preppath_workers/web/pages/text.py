"""Filters of the templates: numbers, times and untrusted data as bounded text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup

from ...log.escaping import escaped
from ...queue.cost_words import budget_used, cap_reached, short
from ...queue.formatting import span
from ...store.values import iso

#: Characters of data that a page shows; the API returns all of it.
_MOST = 20_000


@dataclass(frozen=True)
class Block:
    """The beginning of a value as indented JSON, and how many characters are left out."""

    text: str
    hidden: int


def shown(text: object) -> str:
    """Return one line of untrusted text, at most 1,000 characters of it."""
    return excerpt(text, 1_000)


def excerpt(text: object, most: int) -> str:
    """Return the beginning of untrusted text as one line."""
    whole = str(text)
    return escaped(whole if len(whole) <= most else whole[: most - 1] + "…")


def block(value: Any) -> Block:
    """Return a value of any size and depth as text to read."""
    try:
        whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        whole = "too deeply nested to be shown"
    return Block(escaped(whole[:_MOST], keep="\n\t"), max(0, len(whole) - _MOST))


def ago(ms: int | None, now: int) -> Markup:
    """Return `3 min ago` or `in 3 min`, with the time itself as its title."""
    if ms is None:
        return Markup("–")
    words = f"{span(now - ms)} ago" if ms <= now else f"in {span(ms - now)}"
    return _time(ms, words)


def clock(ms: int) -> Markup:
    """Return `09:12:03 UTC`, with the day as its title."""
    return _time(ms, f"{_utc(ms, '%H:%M:%S')} UTC")


def day_and_clock(ms: int) -> Markup:
    """Return `26 Nov 09:12:03.250`."""
    return _time(ms, f"{_utc(ms, '%d %b %H:%M:%S')}.{ms % 1000:03}")


def _time(ms: int, words: str) -> Markup:
    written = iso(ms)
    if written is None:  # a value edited in Redis
        return Markup("{}").format(ms)
    title = f"{_utc(ms, '%Y-%m-%d %H:%M:%S')} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(written, title, words)


def _utc(ms: int, layout: str) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).strftime(layout)
    except (ValueError, OverflowError, OSError):
        return str(ms)


def queue_path(queue: str) -> str:
    """Return the path of a queue's page."""
    return f"/queues/{quote(queue, safe='')}"


def job_path(queue: str, job_id: str) -> str:
    """Return the path of a job's page. Slashes are quoted: a browser would resolve `a/../b`."""
    return f"{queue_path(queue)}/jobs/{quote(job_id, safe='', errors='replace')}"


def api_path(queue: str, job_id: str) -> str:
    """Return the path of a job in the API."""
    return f"/api/v1/jobs/{quote(queue, safe='')}/{quote(job_id, safe='', errors='replace')}"


def cursor_of(asked: Mapping[str, str]) -> int:
    """Return where a list goes on, as an address or a form says; 0 if it says nothing that is a place."""
    cursor = asked.get("cursor", "")
    return int(cursor) if cursor.isascii() and cursor.isdecimal() and len(cursor) < 16 else 0


def query(**fields: str) -> str:
    """Return the fields as a query of an address."""
    return "?" + urlencode({name: value for name, value in fields.items() if value}, errors="replace")


FILTERS = {
    "ago": ago,
    "block": block,
    "budget_used": budget_used,
    "cap_reached": cap_reached,
    "clock": clock,
    "day_and_clock": day_and_clock,
    "dollars": short,
    "excerpt": excerpt,
    "shown": shown,
    "span": span,
}
FUNCTIONS = {"api_path": api_path, "job_path": job_path, "query": query, "queue_path": queue_path}
