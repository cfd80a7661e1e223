"""The oracle: a file outside Redis in which handlers write down what they do, and handlers that do."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preppath_workers.errors import PermanentError, RateLimited, TransientError
from preppath_workers.handlers.kind import Attempt
from tests.processes.playbook import append


@dataclass(frozen=True)
class Record:
    """Lines of `<what> <job id>`, one write each."""

    path: Path

    def note(self, what: str, job_id: str) -> None:
        append(self.path, f"{what} {job_id}")

    def count(self, what: str) -> Counter[str]:
        """How often that was noted, by job."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        return Counter(words[1] for words in map(str.split, lines) if words[0] == what)

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)

    def handle(self, attempt: Attempt, services: object) -> Mapping[str, Any]:
        """Does what the job's data says: `{"do": …}`. Its first attempt only, where that is a failure."""
        self.note("start", attempt.id)
        is_first = self.count("start")[attempt.id] == 1
        what = attempt.data.get("do")
        if what in _STEPS:
            _STEPS[what](self, attempt)
        elif what in _FAILURES and (is_first or what == "permanent"):
            raise _FAILURES[what]
        return {"done": True}

    def pay(self, attempt: Attempt) -> str:
        self.note("paid", attempt.id)
        return "an answer"


_FAILURES = {
    "transient": TransientError("try again"),
    "permanent": PermanentError("never"),
    "limited": RateLimited("slow down", retry_after=0.05),
}

_STEPS: Mapping[str, Callable[[Record, Attempt], object]] = {
    "sleep": lambda record, attempt: time.sleep(attempt.data["seconds"]),
    "progress": lambda record, attempt: attempt.progress(50),
    "pay": lambda record, attempt: attempt.once("step", lambda: record.pay(attempt)),
    "spend": lambda record, attempt: attempt.spend_token(),
    "confirm": lambda record, attempt: attempt.confirm(),
}
