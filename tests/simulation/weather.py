"""How attempts end: by their service, their machine or themselves."""

from __future__ import annotations

import json
from random import Random

from preppath_workers.store.consuming.outcome import Completed, Failed, FailureKind, Outcome, Released
from preppath_workers.store.job import Job

#: What a healthy service and a failing one are called; the latter by the kind of failure of all attempts.
HEALTHY = "healthy"
OUTAGES: tuple[FailureKind, ...] = ("service", "refused", "paid", "unknown", "machine")

#: Of a hundred attempts in an outage, those that end as if there were none.
_SPARED = 5


def failed(kind: FailureKind, words: str, retry_after_ms: int = 0) -> Failed:
    """A failure whose error tells the kind and the words, so that the stored job shows them too."""
    error = json.dumps({"class": "E", "message": words, "kind": kind})
    service = "openai" if kind in ("service", "refused", "paid") else ""
    return Failed(error, kind, service, words, retry_after_ms)


_ORDINARY: list[Outcome] = [
    *[Completed('{"n":1}')] * 6,
    failed("unknown", "bug"),
    failed("unknown", "another bug", retry_after_ms=700),
    failed("invalid", "no"),
    Released(),
]

#: Those that no calm run has: they touch the whole queue.
_ROUGH: list[Outcome] = [
    failed("service", "503"),
    failed("paid", "no answer"),
    failed("machine", "disk full"),
    Released(hold_ms=150, reason="slow"),
]

_OUTCOMES: dict[str, list[Outcome]] = {
    "calm": _ORDINARY,
    "mixed": [*_ORDINARY, *_ROUGH],
    "stormy": [*[Completed('{"n":1}')] * 20, *_ORDINARY, *_ROUGH],  # its outages disturb enough
    "busy": [*[Completed('{"n":1}')] * 60, *_ORDINARY, *_ROUGH],
}

#: One in this many jobs is poisonous.
_POISON_EVERY = {"calm": 5, "mixed": 5, "stormy": 5, "busy": 40}


class Weather:
    """`now` is HEALTHY, or the kind of failure that nearly all attempts end with."""

    def __init__(self, random: Random, mood: str) -> None:
        self._random = random
        self._outcomes = _OUTCOMES[mood]
        self._poison_every = _POISON_EVERY[mood]
        self.now: str = random.choice(OUTAGES) if mood == "stormy" else HEALTHY
        #: From then on every attempt ends as `now` has it, and at once.
        self.is_settled = False

    def change(self) -> None:
        """Change the weather; it is fair as often as bad."""
        self.now = self._random.choice([HEALTHY] * len(OUTAGES) + [*OUTAGES])

    def outcome(self, job: Job) -> Outcome:
        """Return how an attempt of this job ends."""
        is_spared = not self.is_settled and self._random.randrange(100) < _SPARED
        if self.now == HEALTHY or is_spared:
            if self.is_poison(job.id):
                return failed("service", "500 for this one")
            return Completed("{}") if self.is_settled else self._random.choice(self._outcomes)
        (kind,) = [kind for kind in OUTAGES if kind == self.now]
        return failed(kind, f"outage: {kind}")

    def is_poison(self, job_id: str) -> bool:
        """Return whether the service fails for this job each time."""
        return job_id.startswith("j") and int(job_id[1:]) % self._poison_every == 3
