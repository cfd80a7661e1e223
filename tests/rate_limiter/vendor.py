"""`python -m tests.rate_limiter.vendor`: a vendor whose limit the workers don't know, and which changes.

Two instances of ten workers each work a backlog; every request has the same size. The vendor announces
its limits in the headers of its answers, as OpenAI does. Nothing is configured: workers learn the limits from
these headers.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from preppath_workers import NewJob, Queue
from tests.fake_openai.control import OpenAIServer
from tests.integration.worker.harness import App
from tests.support import report
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.redis import RedisServer
from tests.support.tool import run_tool

#: Seconds in which an empty limit fills up; a vendor's is a minute.
SPAN = 4.0
#: Tokens that the vendor counts for each request: the longest answer that it allows.
TOKENS = 1_000
#: Workers of each of two instances, and the seconds of an answer.
WORKERS, LATENCY = 10, 0.25
#: The least share of the limit that must be used, and the largest share of requests that may be refused.
LEAST_USED, MOST_REFUSED = 0.95, 0.005

HEADINGS = ("the vendor's limit", "requests", "refused", "used of what refilled")


@dataclass(frozen=True)
class Phase:
    """A limit that is in force for a while: requests and tokens in SPAN."""

    name: str
    requests: int
    tokens: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return min(self.requests, self.tokens / TOKENS) / SPAN


PHASES = (
    Phase("40 requests in 4 s", 40, 10**6),
    Phase("cut to a half", 20, 10**6),
    Phase("raised threefold", 60, 10**6),
    Phase("30 requests' tokens in 4 s", 10**4, 30 * TOKENS),
)


@dataclass(frozen=True)
class PhaseResult:
    """The requests that the vendor received in one phase."""

    phase: Phase
    seconds: float
    #: Of all requests since the limit changed.
    statuses: Sequence[int]
    #: Requests that were allowed within `seconds`, which begin when the initially full bucket is used up.
    allowed: int

    @property
    def refused(self) -> int:
        return sum(status == 429 for status in self.statuses)

    @property
    def used(self) -> float:
        return self.allowed / (self.phase.rate * self.seconds)


@contextmanager
def _apps(redis_url: str, base_url: str, folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        for number in range(2):
            own = folder / f"app{number}"
            own.mkdir()
            variables = {
                **MINIMAL_ENV,
                "REDIS_URL": redis_url,
                "OPENAI_BASE_URL": base_url,
                "OPENAI_EVALUATION_MAX_TOKENS": str(TOKENS),
                "ALPHA_CONCURRENCY": str(WORKERS),
                "LOG_LEVEL": "debug",
                "LOG_FORMAT": "json",
            }
            app = App(own, variables, module="tests.rate_limiter.vendor_app").start()
            stack.callback(app.stop)
        yield


def measure(seconds: float) -> list[PhaseResult]:
    """Return the result of each phase, which lasts `seconds`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(RedisServer())
        vendor = stack.enter_context(OpenAIServer(latency=LATENCY))
        queue = Queue("alpha", stack.enter_context(Redis.from_url(server.url, decode_responses=True)))
        _limit(vendor, PHASES[0])
        backlog = round((seconds + 3 * SPAN) * sum(phase.rate for phase in PHASES) * 2)
        queue.enqueue_many(NewJob({"n": number}) for number in range(backlog))
        stack.enter_context(_apps(server.url, vendor.base_url, folder))
        spans = []
        for phase in PHASES:
            _limit(vendor, phase)
            changed = time.time()
            time.sleep(2 * SPAN)
            began = time.time()
            time.sleep(seconds)
            spans.append((phase, changed, began, time.time()))
        assert queue.counts().waiting, "the backlog ended too soon"
        calls = vendor.calls()
    return [_result(calls, *span) for span in spans]


def _result(
    calls: Sequence[Mapping[str, Any]], phase: Phase, changed: float, began: float, end: float
) -> PhaseResult:
    since = [call for call in calls if changed <= call["startedAt"] < end]
    allowed = sum(call["startedAt"] >= began and call["status"] != 429 for call in since)
    return PhaseResult(phase, end - began, [call["status"] for call in since], allowed)


def _limit(vendor: OpenAIServer, phase: Phase) -> None:
    vendor.limit_rate(phase.requests, phase.tokens, SPAN)


def main() -> int:
    """Return 1 if too little was used or too much was refused."""
    parser = argparse.ArgumentParser(prog="python -m tests.rate_limiter.vendor", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="run for under a minute")
    args = parser.parse_args()
    results = measure(10.0 if args.quick else 30.0)
    print(report.heading(HEADINGS))
    for each in results:
        cells = (each.phase.name, str(len(each.statuses)), str(each.refused), f"{each.used:.1%}")
        print(report.row(cells))
    requests = sum(len(each.statuses) for each in results)
    refused = sum(each.refused for each in results) / requests
    used = sum(each.used * each.phase.rate * each.seconds for each in results)
    used /= sum(each.phase.rate * each.seconds for each in results)
    print(report.row(("all", str(requests), f"{refused:.2%}", f"{used:.1%}")))
    return 0 if used >= LEAST_USED and refused <= MOST_REFUSED else 1


if __name__ == "__main__":
    run_tool(main)
