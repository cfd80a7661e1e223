"""What a handler may do with its job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

if TYPE_CHECKING:
    from ..clients.usage import Payment, Usage

Value = TypeVar("Value")


class JobContext(Protocol):
    """The job as its handler sees it, independent of Redis, signals and retries."""

    @property
    def id(self) -> str:
        """The job's id, the same for every attempt."""

    @property
    def queue(self) -> str:
        """The name of the job's queue."""

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1; attempts that aren't counted are left out."""

    @property
    def priority(self) -> int:
        """The job's priority, 1 (most urgent) to 100."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The producer's data: any JSON object, not yet validated."""

    @property
    def time_left(self) -> float:
        """Seconds until the queue's time limit interrupts this attempt; infinite in tests."""

    @property
    def traceparent(self) -> str | None:
        """The trace that the producer gave the job to (W3C Trace Context), if any."""

    def progress(self, percent: float, stage: str = "") -> None:
        """Publish the job's progress, 0 to 100, and what is being done.

        At most five updates a second are stored. Raises JobLost if another worker owns the job.
        """

    def step(self, name: str, call: Callable[[], Value]) -> Value:
        """Return the call's result, stored with the job under this name.

        The result is JSON (a tuple comes back as a list) and is stored before this returns, so a later
        attempt reads it instead of paying for the call again. Names are unique within a job. Steps may be
        nested.

        Raises what the call raises, and JobLost.
        """

    def keep(self, name: str, call: Callable[[], bytes], store: Callable[[bytes], None]) -> bytes:
        """Return the call's bytes after `store` has saved them.

        A failing `store` is retried until the job's time limit. Up to 750 kB are kept with the job under this
        name, so a later attempt can store them without the call. Raises what both raise, and JobLost.
        """

    def acquire_token(self) -> None:
        """Wait until the queue's rate limit allows another paid request.

        Starting the attempt acquires the token for its first request; call this before each further one.
        Raises JobLost, and Snooze if the wait is long; do not catch it.
        """

    def payment(self, worst_case: Usage) -> AbstractContextManager[Payment]:
        """Return a context manager around one paid request, for the ledger and the budget.

        As soon as the answer is there, report what the request used with `charge`:

            with context.payment(Usage("some-model", {"input": 500, "output": 1_000})) as payment:
                answer = vendor.ask(question)
                payment.charge(Usage("some-model", {"input": answer.inputs, "output": answer.outputs}))

        If the block raises before that, the error decides. A PermanentError, RateLimited, or a ServiceError
        without `may_be_paid` costs nothing; after any other, the cost is unknown. Entering raises JobLost and
        the errors of a budget; do not catch them. It raises ValueError for a worst case that cannot be
        counted, such as a negative one.
        """

    def check_lease(self) -> None:
        """Raise JobLost if another worker owns the job. Call this just before an irreversible effect."""

    def snooze(self, seconds: float) -> NoReturn:
        """End the attempt and run the job again after `seconds`, without counting the attempt.

        The steps that are stored are not repeated. If this attempt has stored none, the pause is a second or
        more. Raises Snooze; do not catch it.
        """

    def not_found(self, message: str) -> NoReturn:
        """End the attempt because something that the job names does not exist, such as a row.

        In the first minute after the job was added it may be on its way, as the producer's transaction may
        not be committed yet: raises Snooze, so that the job runs again about 1, 5, 25 and 60 s after it was
        added. After that, raises PermanentError with the message and what to do. Do not catch them.
        """
