"""Whether every job is in exactly one place, and every entry names a job that is a hash.

Jobs move during the walk through the keys, so it only finds suspects. A script checks each of them
atomically, and can repair it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from .reading.listing import held_slots, ids_of
from .reading.reader import QueueReader
from .values import text

Verdict = Literal["fine", "duplicate", "missing", "misplaced", "unknown", "orphaned", "overwritten"]

#: Entries and hashes looked at by one command.
_PAGE = 1_000

#: The state of a job whose key has another type.
_OVERWRITTEN = "overwritten"

#: Where a job is accounted for in each state; one that is over is in none of them.
_PLACES = {"waiting": "wait", "delayed": "delayed", "failed": "dead"}


@dataclass(frozen=True)
class Problem:
    """What is wrong with a job, or with the active list of a slot without an instance (`orphaned`)."""

    verdict: Verdict
    name: str


def find_problems(queue: QueueReader, repair: bool = False) -> Iterator[Problem]:
    """Yield what is wrong; with `repair`, repair it too.

    Holds the names of all jobs in memory.
    """
    for worker_id in _orphaned(queue):
        if repair:
            queue.call("recover", worker_id, "0", 0)
        yield Problem("orphaned", worker_id)
    for job_id, *letters in _suspects(queue):
        verdict = text(queue.call("repair", job_id, int(repair), *letters)[0])
        if verdict != "fine":
            yield Problem(verdict, job_id)  # type: ignore[arg-type] # the script answers one of them


def _suspects(queue: QueueReader) -> Iterator[tuple[str, int, int]]:
    """Yield each suspect, how many entries it has in the dead-letter list, and where the last one is, counted
    from the oldest job: the list may be too long to be searched for each suspect."""
    letters = [*_letters(queue)]
    positions = {job_id: position for position, job_id in enumerate(letters)}
    entries = Counter(chain(((job_id, "dead") for job_id in letters), _entries(queue)))
    places: dict[str, set[str]] = {}
    for job_id, place in entries:
        places.setdefault(job_id, set()).add(place)
    doubled = {job_id for (job_id, _), times in entries.items() if times > 1}
    suspects = _in_wrong_places(queue, places, doubled)
    yield from ((job_id, entries[job_id, "dead"], positions.get(job_id, 0)) for job_id in suspects)


def _in_wrong_places(
    queue: QueueReader, places: dict[str, set[str]], doubled: Collection[str]
) -> Iterator[str]:
    """Yield the jobs whose places are not those that their states require, and entries without a job."""
    for job_id, state, worker_id in _states(queue):
        found = places.pop(job_id, set())
        place = worker_id if state == "active" else _PLACES.get(state, "")
        expected = {place} - {""}
        if found != expected or job_id in doubled or state == _OVERWRITTEN:
            yield job_id
    yield from places


def _letters(queue: QueueReader) -> Iterator[str]:
    """Yield the entries of the dead-letter list, the oldest first: new ones don't shift these."""
    end = -1
    while page := queue.read("LRANGE", queue.keys.dead, end - _PAGE + 1, end):
        yield from map(text, reversed(page))
        end -= _PAGE


def _entries(queue: QueueReader) -> Iterator[tuple[str, str]]:
    """Yield every other entry and its place; the place of an entry in an active list is the worker id."""
    start = 0
    while page := queue.read("LRANGE", queue.keys.wait, start, start + _PAGE - 1):
        yield from ((text(entry), "wait") for entry in page)
        start += _PAGE
    for member, _ in queue.redis.zscan_iter(queue.keys.later, count=_PAGE):
        yield from ((job_id, "wait") for job_id in ids_of([member]))
    for entry, _ in queue.redis.zscan_iter(queue.keys.delayed, count=_PAGE):
        yield text(entry), "delayed"
    for slot in held_slots(queue):
        yield from ((job_id, slot.worker_id) for job_id in slot.job_ids)


def _states(queue: QueueReader) -> Iterator[tuple[str, str, str]]:
    """Yield every job, its state and its worker id."""
    prefix = queue.keys.job("")
    page: list[str] = []
    seen: set[str] = set()
    for key in _scan(queue, prefix):
        job_id = key.removeprefix(prefix)
        if job_id not in seen:  # SCAN may return a key twice
            seen.add(job_id)
            page.append(job_id)
        if len(page) == _PAGE:
            yield from _read_states(queue, page)
            page = []
    yield from _read_states(queue, page)


def _read_states(queue: QueueReader, ids: list[str]) -> Iterator[tuple[str, str, str]]:
    for job_id, fields in zip(ids, queue.fields_of(ids, "state", "workerId"), strict=True):
        state, worker_id = fields or (_OVERWRITTEN, None)
        yield job_id, state or "", worker_id or ""


def _orphaned(queue: QueueReader) -> list[str]:
    """Return slots that hold jobs but have no instance: no janitor recovers them."""
    prefix = queue.keys.active("")
    worker_ids = {key.removeprefix(prefix) for key in _scan(queue, prefix)}
    return sorted(worker_ids - {slot.worker_id for slot in held_slots(queue)})


def _scan(queue: QueueReader, prefix: str) -> Iterator[str]:
    pattern = re.sub(r"([\[\]*?\\])", r"\\\1", prefix) + "*"
    for key in queue.redis.scan_iter(match=pattern, count=_PAGE):
        yield text(key)
