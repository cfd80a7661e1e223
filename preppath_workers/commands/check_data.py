"""Looks whether every job is in exactly one place."""

from __future__ import annotations

from collections.abc import Iterator

from redis.exceptions import RedisError

from ..handlers import KINDS
from ..queue import connections
from ..queue.audit import Problem, problems
from ..queue.queue import Queue
from ..settings import Config
from .check_growth import check_growth
from .findings import Finding

#: Problems of one queue that are told one by one.
_TOLD = 20

_WORDS = {
    "twice": "job {} is in more places than one",
    "nowhere": "job {} is in no place: nobody would run it",
    "elsewhere": "job {} is in a place that its state does not mean",
    "nothing": "entry {} names no job",
    "stray": "slot {} holds jobs and belongs to no instance",
}


def check_data(config: Config) -> Iterator[Finding]:
    """Tells what is wrong."""
    yield from _look(config, mend=False)


def mend_data(config: Config) -> Iterator[Finding]:
    """Tells what is wrong, and puts it right."""
    yield from _look(config, mend=True)


def _look(config: Config, mend: bool) -> Iterator[Finding]:
    client = connections.client(config.redis.url)
    for kind in KINDS:
        what = f"{kind.name} data"
        queue = Queue(kind.name, client, config.redis.prefix)
        try:
            found = list(problems(queue, mend))
            growing = list(check_growth(queue))
        except RedisError as error:
            yield Finding("error", what, f"can not be looked at: {error}")
            continue
        if not found:
            yield Finding("ok", what, "every job is in one place")
        for problem in found[:_TOLD]:
            yield Finding(
                "warning" if mend else "error", what, _told(problem) + (" (mended)" if mend else "")
            )
        if len(found) > _TOLD:
            yield Finding("warning" if mend else "error", what, f"and {len(found) - _TOLD:,} more")
        yield from growing


def _told(problem: Problem) -> str:
    return _WORDS[problem.verdict].format(problem.name)
