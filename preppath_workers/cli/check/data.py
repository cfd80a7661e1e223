"""Check that every job is in exactly one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from redis.exceptions import RedisError

from ...config.model import RedisConfig
from ...queue import Queue
from ...store.connections.clients import Clients
from ...store.repair import Problem, find_problems
from .findings import Finding
from .growth import check_growth

#: Problems of one queue that are printed; the rest are counted.
_MAX_PRINTED = 20

_MESSAGES = {
    "duplicate": "job {} is in more than one place",
    "missing": "job {} is in none of the lists, so it would never run",
    "misplaced": "job {} is in a list that does not match its state",
    "unknown": "entry {} has no job",
    "orphaned": "slot {} holds jobs but belongs to no instance",
    "overwritten": "something has overwritten job {}: its key holds no hash; look at it, then delete it",
}


def check_data(redis: RedisConfig, names: Sequence[str], repair: bool) -> Iterator[Finding]:
    """Yield the problems found in these queues, and repair them if asked to."""
    clients = Clients.patient(redis)
    for name in names:
        what = f"{name} data"
        queue = Queue(name, clients.of(name), redis.prefix)
        try:
            found = list(find_problems(queue, repair))
            growing = list(check_growth(queue))
        except RedisError as error:
            yield Finding("error", what, f"cannot be checked: {error}")
            continue
        if not found:
            yield Finding("ok", what, "every job is in one place")
        for problem in found[:_MAX_PRINTED]:
            yield Finding("warning" if repair else "error", what, _message(problem, repair))
        if len(found) > _MAX_PRINTED:
            yield Finding("warning" if repair else "error", what, f"and {len(found) - _MAX_PRINTED:,} more")
        yield from growing


def _message(problem: Problem, repair: bool) -> str:
    is_repaired = repair and problem.verdict != "overwritten"  # the key is left to the operator
    return _MESSAGES[problem.verdict].format(problem.name) + (" (repaired)" if is_repaired else "")
