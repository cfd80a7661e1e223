"""Three real instances with clocks hours apart share one limit."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import pytest
from redis import Redis

from preppath_workers.config.model import RateLimit
from tests.rate_limiter.trial import SKEWS, Trial, job_of
from tests.support.redis import RedisServer

pytestmark = [pytest.mark.trial, pytest.mark.long]

#: Long enough to spend each token at least three times.
LIMIT, SECONDS = RateLimit(20, 2.0), 7.0


@pytest.mark.processes
def test_rate_limit_of_instances_with_wrong_clocks_is_kept_and_used_fully(tmp_path: Path) -> None:
    # A separate server: handlers record their times by its clock.
    with RedisServer() as server, Redis.from_url(server.url, decode_responses=True) as redis:
        seen = Trial(redis, server.url, "trial", tmp_path, LIMIT, SECONDS).run()

    hours = {first_line(tmp_path / f"app{number}" / "log")["time"][:13] for number in range(len(SKEWS))}
    assert len(hours) > 1, "the clocks were wrong"

    # The server's record is independent of the workers: a token for each run, spent before it.
    assert len(seen.runs) + seen.undone == len(seen.tokens) > 3 * LIMIT.max
    ran, paid = {job_id for job_id, _ in seen.runs}, {*map(job_of, seen.tokens)}
    assert ran <= paid
    assert len(paid - ran) <= seen.undone
    assert min(seen.delays) >= 0

    assert seen.fullest_by_server <= LIMIT.max
    assert seen.fullest_by_handlers <= LIMIT.max

    # Most of them: a busy machine wakes a worker late now and then.
    assert median(seen.waits) < 1_000, "a job that was enqueued while tokens were free"
    assert min(seen.lateness) >= -1, "a token that was spent before it was free"
    assert median(seen.lateness) < 1_000, "a token that became free while jobs waited"
    # A busy machine wakes our workers late, which isn't the limit's fault.
    late = (1 / seen.utilisation - 1) * LIMIT.duration * 1000
    assert seen.utilisation >= 0.98 or late < 5 * seen.oversleep, (seen.utilisation, seen.oversleep)


def first_line(log: Path) -> dict[str, str]:
    line: dict[str, str] = json.loads(log.read_text(encoding="utf-8").splitlines()[0])
    return line
