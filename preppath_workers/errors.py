"""What can go wrong, as values with data.

An error is classified once, at the edge where it arises, by the class it is raised as. What becomes of the
job follows from the class alone; nobody above reads messages.
"""

from __future__ import annotations


class PrepPathError(Exception):
    """Everything this package raises on purpose, but for the two interrupts below."""


class ConfigError(PrepPathError):
    """The configuration is wrong; `problems` holds one sentence for each wrong or missing value."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UnknownJob(PrepPathError):
    """There is no job of this id in this queue."""

    def __init__(self, queue: str, job_id: str) -> None:
        super().__init__(f"queue {queue} has no job {job_id!r}")
        self.queue = queue
        self.job_id = job_id


class JobError(PrepPathError):
    """A job failed; the subclass says what becomes of it."""


class InvalidJob(JobError):
    """The job's data is wrong, so no attempt can succeed: dead-letter list at once, reason `invalid`."""


class PermanentError(JobError):
    """The job can not succeed as things are: dead-letter list at once, reason `permanent`."""


class TransientError(JobError):
    """The next attempt may succeed: retried with backoff, not before `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(JobError):
    """The vendor asks us to wait `retry_after` seconds: the queue is held, the attempt does not count."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServiceError(JobError):
    """A service that all jobs share failed, or refused what depends on the configuration: no job is to blame.

    Args:
        service: `openai`, `s3`, `postgresql` or `webhook`.
        message: what it said, without secrets.
        refuses_all: nothing of this queue can succeed until someone changes something outside (a key, an
            account, a model's name, a bucket, a column): the queue is held at the first failure.
        may_be_paid: the request was sent and no answer came, so it may be on the bill: it counts as a failure
            of the job, whatever the service's state.
        retry_after: seconds that the service asks to wait.
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
    """This machine lacks something (`resource`: `disk`, `memory`, `descriptors` or `processes`): the job goes
    back uncounted, for another machine or a later moment, and the worker pauses."""

    def __init__(self, resource: str, message: str) -> None:
        super().__init__(message)
        self.resource = resource


class Snooze(JobError):
    """The job goes on later, from what it has stored: back to the front of its lane, uncounted."""


class JobLost(PrepPathError):
    """Another worker owns the job now (our lease ran out): stop, and change nothing."""


class Interrupt(BaseException):
    """Raised by signal handlers. No `except Exception` in a job's code or a vendor's can swallow it."""


class JobTimeout(Interrupt):
    """The job ran longer than its queue allows."""


class Shutdown(Interrupt):
    """The worker was asked to stop while it waited for work."""
