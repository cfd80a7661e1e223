"""Runs the handler for one attempt at a job and turns its result or error into an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from ...clients.services import Services
from ...errors import BudgetSpent, InvalidJob, JobCancelled, JobLost, RateLimited, Snooze
from ...registry import Handler
from ...store.consuming.outcome import Cancelled, Completed, Outcome, Released
from ...store.consuming.running_job import RunningJob
from ...store.job import Job
from .encoding import encode_result
from .failures import failed, message
from .job_context import ActiveJobContext
from .payments import PaymentTerms

#: Rate-limited attempts of a job that are not counted as failures.
_MAX_RATE_LIMITS = 20


@dataclass(frozen=True)
class WorkerContext:
    """What all attempts of one worker share."""

    handle: Handler
    services: Services
    running_job: RunningJob
    #: Seconds to hold the queue if the vendor limits the rate without a retry time.
    hold: float
    secrets: Sequence[str]
    payments: PaymentTerms = field(default_factory=PaymentTerms)


def run(job: Job, worker_context: WorkerContext, deadline: AbstractContextManager[None]) -> Outcome:
    """Run the handler inside the deadline and return the outcome, also for an error or a JobTimeout.

    Raises JobLost if another worker owns the job now: there is nothing to settle.
    """
    secrets = worker_context.secrets
    try:
        with deadline:
            data = job.data
            if not isinstance(data, dict):
                raise InvalidJob("data must be a JSON object")
            services, running_job = worker_context.services, worker_context.running_job
            running_job.begin(job)
            context = ActiveJobContext(job, data, running_job, services, worker_context.payments)
            try:
                result = worker_context.handle(context, services)
            finally:
                try:
                    context.close()
                finally:
                    running_job.end()
        return Completed(encode_result(result))
    except JobLost:
        raise
    except JobCancelled:
        return Cancelled()
    except Snooze as error:
        return Released(reason=message(error, secrets), delay_ms=round(error.seconds * 1000))
    except BudgetSpent as error:
        wait_ms, reason = round(error.seconds * 1000), message(error, secrets)
        if error.is_of_user:
            return Released(0, reason, wait_ms, lacking=str(error.amount), capped=error.scope)
        return Released(wait_ms, reason, lacking=str(error.amount))
    except RateLimited as error:
        seconds = worker_context.hold if error.retry_after is None else error.retry_after
        if job.rate_limits >= _MAX_RATE_LIMITS:
            return failed(error, secrets)
        return Released(round(seconds * 1000), message(error, secrets))
    # Also CancelledError, KeyboardInterrupt and GeneratorExit: uncaught, they would end the worker.
    except BaseException as error:  # noqa: BLE001
        return failed(error, secrets)
