"""Looks whether every job is in exactly one place."""

from __future__ import annotations

from collections.abc import Iterator

from redis.exceptions import RedisError

from ...config.model import Config
from ...jobs import JOB_TYPES
from ...queue import Queue
from ...store import connection
from ...store.repair import Problem, find_problems
from .findings import Finding
from .growth import check_growth

#: Problems of one queue that are told one by one.
_TOLD = 20

_WORDS = {
    "duplicate": "job {} is in more places than one",
    "missing": "job {} is in no place: nobody would run it",
    "misplaced": "job {} is in a place that its state does not mean",
    "unknown": "entry {} names no job",
    "orphaned": "slot {} holds jobs and belongs to no instance",
}


def check_data(config: Config) -> Iterator[Finding]:
    """Tells what is wrong."""
    yield from _check(config, repair=False)


def repair_data(config: Config) -> Iterator[Finding]:
    """Tells what is wrong, and puts it right."""
    yield from _check(config, repair=True)


def _check(config: Config, repair: bool) -> Iterator[Finding]:
    client = connection.client(config.redis.url)
    for job_type in JOB_TYPES:
        what = f"{job_type.name} data"
        queue = Queue(job_type.name, client, config.redis.prefix)
        try:
            found = list(find_problems(queue, repair))
            growing = list(check_growth(queue))
        except RedisError as error:
            yield Finding("error", what, f"can not be looked at: {error}")
            continue
        if not found:
            yield Finding("ok", what, "every job is in one place")
        for problem in found[:_TOLD]:
            yield Finding(
                "warning" if repair else "error", what, _message(problem) + (" (repaired)" if repair else "")
            )
        if len(found) > _TOLD:
            yield Finding("warning" if repair else "error", what, f"and {len(found) - _TOLD:,} more")
        yield from growing


def _message(problem: Problem) -> str:
    return _WORDS[problem.verdict].format(problem.name)
