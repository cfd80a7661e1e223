"""How an attempt ended, and what became of its job after that.

Those that are made for every job are not frozen: frozen ones take longer to make. Only a `Finished` changes,
if the server refuses its outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..job import Job

#: Whose failure it was; see `Failed`.
FailureKind = Literal["invalid", "permanent", "service", "refused", "paid", "machine", "unknown"]


@dataclass(slots=True)
class Completed:
    """The handler returned `result` (JSON)."""

    result: str


@dataclass(slots=True)
class Failed:
    """The attempt failed with `error` (a JSON object with class and message); `words` is its message.

    `kind` says what failed. `invalid` and `permanent`: the job itself, and no retry can help. `service`,
    `refused` and `paid`: the named `service`, which refuses every job (refused) or may have done the work
    (paid). `machine`: this machine. `unknown`: anything else. A retry comes after `retry_after_ms` at the
    earliest.
    """

    error: str
    kind: FailureKind
    service: str = ""
    words: str = ""
    retry_after_ms: int = 0


#: The outcome of a job whose own outcome the server refuses for its size.
_TOO_LARGE = Failed(
    '{"class":"PermanentError","message":"Redis refuses the outcome: it is too large for this server"}',
    "permanent",
)


@dataclass(slots=True)
class Released:
    """The attempt does not count. The job runs again after `delay_ms`; no job of this queue may start for
    `hold_ms`, because of `reason`."""

    hold_ms: int = 0
    reason: str = ""
    delay_ms: int = 0
    #: The amount (nano-dollars) that the budget has no room for, if that is the reason.
    lacking: str = ""
    #: The scope of the user whose budget it is, if only the job is delayed.
    capped: str = ""


@dataclass(slots=True)
class Cancelled:
    """The attempt was interrupted because its job is cancelled."""


Outcome = Completed | Failed | Released | Cancelled


@dataclass(frozen=True)
class Wait:
    """The slot holds a job that may not start yet: claim again after `seconds`."""

    seconds: float


@dataclass(slots=True)
class Finished:
    """An attempt that ended and is yet to be settled."""

    job: Job
    outcome: Outcome
    duration_ms: int

    def make_too_large(self) -> None:
        """Replace the outcome, which the server refuses for its size."""
        self.outcome = _TOO_LARGE


@dataclass(slots=True)
class Recovered:
    """The jobs of a dead worker: those in `dead` had lost their worker too often. The others, of which only
    the `ids` are known, were requeued unless they were over."""

    ids: Sequence[str]
    dead: Sequence[Job]


@dataclass(slots=True)
class Settlement:
    """The result of settling a job: `delay_ms` until the retry, or the `reason` for the dead-letter list.
    `lost` if another worker owns the job, `gone` if Redis no longer has it: nothing was changed. `reopened`
    is a completion that brought the queue back into service.

    `counted`: whether the failure counts against the job. `closed`: whether it took the queue out of service.
    """

    finished: Finished
    verdict: Literal["completed", "reopened", "delayed", "dead", "released", "cancelled", "lost", "gone"]
    delay_ms: int = 0
    reason: str = ""
    counted: bool = True
    closed: bool = False


def settlement(
    finished: Finished, verdict: Any, about: str = "", account: str = "", gate: str = ""
) -> Settlement:
    """Return the settlement that a script answers with details; a repeated call is answered with fewer."""
    made = Settlement(finished, verdict, counted=account != "excused", closed=gate == "closed")
    if verdict == "delayed":
        made.delay_ms = int(about)
    else:
        made.reason = about
    return made
