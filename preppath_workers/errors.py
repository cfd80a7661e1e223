"""The errors of this package, as values with data.

An error is classified once, where it arises, by its class. The class alone decides what happens to the job;
messages are for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class PrepPathError(Exception):
    """Base class of all errors of this package, except `Interrupt` and its subclasses."""

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is unpickled by a call of its class with `args`, the message. A pool of processes
        # breaks if that raises in the process that waits for the result.
        return _without_init, (type(self), self.args), self.__dict__


def _without_init(kind: type[PrepPathError], args: tuple[Any, ...]) -> PrepPathError:
    return kind.__new__(kind, *args)


class ConfigError(PrepPathError):
    """Raised when the configuration is wrong. `problems`: a sentence for each wrong or missing value."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class NewerLayout(ConfigError):
    """Raised when a newer release has written a queue, in a layout that this one would misread.

    Args:
        queue: the queue's name.
        layout: the version of the queue's data model.
        known: the newest version that this release knows.
    """

    def __init__(self, queue: str, layout: int, known: int) -> None:
        super().__init__(
            f"queue {queue} has layout {layout}, this version knows {known}: update preppath-workers"
        )
        self.queue = queue
        self.layout = layout
        self.known = known


class UnknownJob(PrepPathError):
    """Raised when the queue has no job with this id."""

    def __init__(self, queue: str, job_id: str) -> None:
        super().__init__(f"queue {queue} has no job {job_id!r}")
        self.queue = queue
        self.job_id = job_id


class NotReplicated(PrepPathError):
    """Raised to a producer whose jobs were added, but not confirmed as it asked for.

    A failover may lose the jobs. Add them again with the same ids: ids that still exist are not added twice.

    Args:
        queue: the queue's name.
        job_ids: the jobs that were added and aren't confirmed; those after them were not added.
        wanted: replicas that had to confirm.
        confirmed: those that did.
        on_disk: whether the primary has the jobs on its disk, if it was asked.
    """

    def __init__(
        self, queue: str, job_ids: Sequence[str], wanted: int, confirmed: int, on_disk: bool = True
    ) -> None:
        jobs = f"job {job_ids[0]} is" if len(job_ids) == 1 else f"{len(job_ids)} jobs are"
        disk = "" if on_disk else " and the primary has not written to its disk"
        super().__init__(
            f"{jobs} added to queue {queue}, but a failover may lose what was added: {confirmed} of {wanted} "
            f"replicas confirmed in time{disk}; to be sure, add it again with the same id"
        )
        self.queue = queue
        self.job_ids = tuple(job_ids)
        self.wanted = wanted
        self.confirmed = confirmed
        self.on_disk = on_disk


class JobFailed(PrepPathError):
    """Raised to a producer that waits for a job which didn't complete.

    Args:
        queue: the queue's name.
        job_id: the job's id.
        reason: why it is in the dead-letter list, as in `Job.reason`; or `cancelled` or `expired`.
        error: the last attempt's error, an object with class and message; empty without one.
    """

    def __init__(self, queue: str, job_id: str, reason: str, error: Mapping[str, Any]) -> None:
        outcome = "was cancelled" if reason == "cancelled" else f"failed ({reason})"
        detail = f": {error.get('class')}: {error.get('message')}" if error else ""
        super().__init__(f"job {job_id} of queue {queue} {outcome}{detail}")
        self.queue = queue
        self.job_id = job_id
        self.reason = reason
        self.error = error


class JobError(PrepPathError):
    """Base class of a job's failures. The subclass decides what happens to the job."""


class InvalidJob(JobError):
    """Raised when the job's data is wrong: to the dead-letter list at once, with reason `invalid`."""


class PermanentError(JobError):
    """Raised when no retry can succeed: to the dead-letter list at once, with reason `permanent`."""


class TransientError(JobError):
    """Raised when the next attempt may succeed: retried with backoff, after `retry_after` seconds or more, of
    which a day counts at most."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(JobError):
    """Raised when a vendor limits the rate: the queue is held for `retry_after` seconds, a day at most; the
    attempt is not counted.

    `may_be_paid`: the answer was charged all the same, so the attempt counts and the queue is not held. Set
    for a request whose payment was charged.
    """

    may_be_paid = False

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServiceError(JobError):
    """Raised when a service shared by all jobs fails, or refuses the configuration. The job is not to blame.

    Args:
        service: `openai`, `s3`, `postgresql`, `webhook`, or the name of one of your own.
        message: the service's message, without secrets.
        refuses_all: no job of this queue can succeed until the configuration, account, model, bucket or
            schema changes: the queue is out of service at the first failure.
        may_be_paid: the request was sent and no answer came, so it may be charged: always counted against
            the job, even while the service is failing. Set for a request whose payment was charged, unless
            `refuses_all`.
        retry_after: seconds to wait, as the service asked; a day at most.
    """

    def __init__(
        self,
        service: str,
        message: str,
        *,
        refuses_all: bool = False,
        may_be_paid: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.service = service
        self.refuses_all = refuses_all
        self.may_be_paid = may_be_paid
        self.retry_after = retry_after


class MachineError(JobError):
    """Raised when this machine lacks a resource: `disk`, `memory`, `descriptors`, `processes`, or a right
    `clock`. The job is requeued without counting the attempt, for another machine or a later time, and the
    queue's workers on this machine pause."""

    def __init__(self, resource: str, message: str) -> None:
        super().__init__(message)
        self.resource = resource


class Snooze(JobError):
    """Raised to continue the job later from its stored steps, without counting the attempt.

    An attempt that has stored a step continues after `seconds`, with 0 at once, at the front of its priority.
    Any other waits for a second or more.
    """

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


class BudgetSpent(JobError):
    """Raised when a budget has no room for a paid request until a day or month ends.

    The queue is held. If it is the budget of the job's user, only the job waits. The attempt is not counted.

    Args:
        scope: whose budget: `all`, `queue <name>` or `user <id>`.
        period: `day` or `month`.
        seconds: until it ends, 1 or more.
        amount: the most that the request can cost, nano-dollars.
    """

    def __init__(self, scope: str, period: str, seconds: float, amount: int) -> None:
        super().__init__(f"budget of {scope} is spent for this {period}")
        self.scope = scope
        self.period = period
        self.seconds = seconds
        self.amount = amount

    @property
    def is_of_user(self) -> bool:
        """Whether only the jobs of one user have to wait."""
        return self.scope.startswith("user ")


class JobLost(PrepPathError):
    """Raised when the lease has expired and another worker owns the job: stop without any further effect."""


class JobGone(JobLost):
    """Raised when Redis no longer has the job: it was deleted, or Redis has lost its data."""


class Interrupt(BaseException):
    """Base class of what signal handlers raise. A BaseException, so `except Exception` cannot swallow it."""


class JobTimeout(Interrupt):
    """Raised in a handler when the job exceeds its queue's time limit."""


class JobCancelled(Interrupt):
    """Raised in a handler whose job is cancelled: stop without any further effect."""


class Shutdown(Interrupt):
    """Raised in a worker that is asked to stop while it waits for a job."""
