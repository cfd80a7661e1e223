"""Where one job is, and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass

from ...config.model import RateLimit
from ..arguments import plain_text
from ..operation import run
from ..values import score_ms, text
from .portions import NOT_LOOKED, find_slot
from .reader import QueueReader


@dataclass(frozen=True)
class JobLocation:
    """A job's location at one moment; None for what does not apply.

    Times are ms since the epoch, spans in ms, by the server's clock.
    """

    #: The moment.
    at: int
    #: Workers of live instances of this queue; of more than 500 instances, those of 500.
    workers: int
    #: Jobs that start before it.
    ahead: int | None = None
    #: The slot that holds it, and the time until its instance counts as dead.
    worker_id: str | None = None
    lease_ms: int | None = None
    #: When a delayed job may start.
    due: int | None = None
    #: Whose budget a delayed job has no room in, such as `user u1`.
    budget: str | None = None
    #: How long until the rate limit lets it start, if all goes well.
    token_ms: int | None = None


def locate(queue: QueueReader, job_id: str, rate_limit: RateLimit | None) -> JobLocation:
    """Locate the job, atomically; if a slot holds it, that is looked for before, some hundred at a time."""
    job_id = plain_text("id", job_id)
    limit = (rate_limit.max, round(rate_limit.duration * 1000)) if rate_limit else (0, 0)
    words = queue.call("locate", job_id, *limit, NOT_LOOKED)
    if len(words) == 1:
        words = queue.call("locate", job_id, *limit, run(find_slot(queue.keys.base, job_id), queue.read))
    answer = [word if isinstance(word, int) else text(word) for word in words]
    known = dict(zip(map(str, answer[::2]), answer[1::2], strict=True))

    def number(name: str) -> int | None:
        return int(float(known[name])) if name in known else None

    return JobLocation(
        at=int(known["at"]),
        workers=int(known["workers"]),
        ahead=number("ahead"),
        worker_id=str(known["workerId"]) if "workerId" in known else None,
        lease_ms=number("lease"),
        due=score_ms(known["due"]) if "due" in known else None,
        budget=str(known["budget"]) if "budget" in known else None,
        token_ms=number("token"),
    )
