"""A file outside Redis in which handlers note what they do, and the handlers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preppath_workers.clients.usage import Usage
from preppath_workers.errors import PermanentError, RateLimited, TransientError
from preppath_workers.registry import JobContext
from tests.integration.worker.scripted_handlers import append

#: A request of at most 1,000 nano-dollars that costs 400.
WORST, USED = Usage("gpt-6-luna", {"output": 2}), Usage("gpt-6-luna", {"input": 4})
WORST_NANO, USED_NANO = 1_000, 400


@dataclass(frozen=True)
class Record:
    """Lines of `<what> <job id>`, one write each."""

    path: Path

    def note(self, what: str, job_id: str) -> None:
        append(self.path, f"{what} {job_id}")

    def count(self, what: str) -> Counter[str]:
        """Return how often that was noted, by job."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        return Counter(words[1] for words in map(str.split, lines) if words[0] == what)

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)

    def handle(self, context: JobContext, services: object) -> Mapping[str, Any]:
        """Do what the job's data says: `{"do": …}`. A failure is the first attempt's alone, unless
        `permanent`."""
        self.note("start", context.id)
        is_first = self.count("start")[context.id] == 1
        what = context.data.get("do")
        if what in _STEPS:
            _STEPS[what](self, context)
        elif what in _FAILURES and (is_first or what == "permanent"):
            raise _FAILURES[what]
        return {"done": True}

    def pay(self, context: JobContext) -> str:
        self.note("paid", context.id)
        return "an answer"

    def buy(self, context: JobContext) -> None:
        """Make a paid request, which takes a minute the first time if the data says `slow`."""
        with context.payment(WORST) as payment:
            self.note("charged", context.id)
            if context.data.get("slow") and self.count("charged")[context.id] == 1:
                time.sleep(60)
            payment.charge(USED)


_FAILURES = {
    "transient": TransientError("try again"),
    "permanent": PermanentError("never"),
    "limited": RateLimited("slow down", retry_after=0.05),
}

_STEPS: Mapping[str, Callable[[Record, JobContext], object]] = {
    "sleep": lambda record, context: time.sleep(context.data["seconds"]),
    "progress": lambda record, context: context.progress(50),
    "pay": lambda record, context: context.step("step", lambda: record.pay(context)),
    "buy": lambda record, context: record.buy(context),
    "buy in a step": lambda record, context: context.step("step", lambda: record.buy(context)),
    "acquire_token": lambda record, context: context.acquire_token(),
    "check_lease": lambda record, context: context.check_lease(),
}
