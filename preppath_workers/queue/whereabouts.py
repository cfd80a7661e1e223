"""Where one job is, and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import RateLimit
from .job import text
from .queue import Queue


@dataclass(frozen=True)
class Whereabouts:
    """What there is to know at one moment; None for what does not apply.

    Times are ms since the epoch, spans in ms, by the server's clock.
    """

    #: The moment.
    at: int
    #: Slots of live instances of this queue.
    children: int
    #: Jobs that start before it.
    ahead: int | None = None
    #: The slot that holds it, and how long until that one's instance counts as dead.
    owner: str | None = None
    lease_ms: int | None = None
    #: When a delayed job may start.
    due: int | None = None
    #: How long until the rate limit lets it start, if all goes well.
    token_ms: int | None = None


def find(queue: Queue, job_id: str, rate_limit: RateLimit | None) -> Whereabouts:
    """Looks for the job in all places at once."""
    limit = (rate_limit.max, round(rate_limit.duration * 1000)) if rate_limit else (0, 0)
    answer = [
        word if isinstance(word, int) else text(word) for word in queue.call("whereabouts", job_id, *limit)
    ]
    known = dict(zip(map(str, answer[::2]), answer[1::2], strict=True))

    def number(name: str) -> int | None:
        return int(float(known[name])) if name in known else None

    return Whereabouts(
        at=int(known["at"]),
        children=int(known["children"]),
        ahead=number("ahead"),
        owner=str(known["owner"]) if "owner" in known else None,
        lease_ms=number("lease"),
        due=number("due"),
        token_ms=number("token"),
    )
