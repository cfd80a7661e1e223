"""Runs the handler for one attempt at a job and turns its result or error into an outcome."""

from __future__ import annotations

import math
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
from .failures import LONGEST_RETRY_AFTER, delay_in_ms, failed, message, single, unreadable
from .job_context import ActiveJobContext
from .payments import PaymentTerms

#: Rate-limited attempts of a job that are not counted as failures.
_MAX_RATE_LIMITS = 20

#: The least ms that a job or queue waits for a time that a handler names. Otherwise an attempt that does
#: nothing else would be repeated as fast as the worker can.
_SHORTEST_WAIT = 1_000


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
    #: Seconds that one attempt may take.
    time_limit: float = math.inf


def run(job: Job, worker_context: WorkerContext, deadline: AbstractContextManager[None]) -> Outcome:
    """Run the handler inside the deadline and return the outcome, also for an error or a JobTimeout.

    Raises JobLost if another worker owns the job now: there is nothing to settle.
    """
    context: ActiveJobContext | None = None
    try:
        with deadline:
            data = job.data
            if data is None:  # Lua reads more than Python
                raise InvalidJob(
                    "cannot read data as JSON: broken, nested too deeply, or with too long a number"
                )
            if not isinstance(data, dict):
                raise InvalidJob("data must be a JSON object")
            services, running_job = worker_context.services, worker_context.running_job
            running_job.begin(job)
            context = ActiveJobContext(
                job, data, running_job, services, worker_context.payments, worker_context.time_limit
            )
            try:
                result = worker_context.handle(context, services)
            except (JobLost, JobCancelled) as error:
                if not running_job.is_owned(job):
                    raise
                # Raised by the handler itself, or by the context of an earlier job that it has kept. Nothing
                # would be settled, so the job would start again at once, forever.
                return failed(error, worker_context.secrets)
            finally:
                try:
                    context.close()
                finally:
                    running_job.end()
        return Completed(encode_result(result))
    except JobLost:
        raise
    # Also CancelledError, KeyboardInterrupt and GeneratorExit: uncaught, they would end the worker.
    except BaseException as error:  # noqa: BLE001 — see above
        try:
            has_progressed = context is not None and context.has_progressed
            return _outcome(single(error), job, worker_context, has_progressed)
        except BaseException as problem:  # noqa: BLE001 — the handler's error may be of any class, with any bug
            return unreadable(error, problem)


def _outcome(error: BaseException, job: Job, worker_context: WorkerContext, has_progressed: bool) -> Outcome:
    """Return the outcome of an attempt that ended with this error. `has_progressed`: the next one continues
    from something that this one has stored."""
    secrets = worker_context.secrets
    match error:
        case JobCancelled():
            return Cancelled()
        case Snooze():
            delay = delay_in_ms(error.seconds) or 0
            # Else at once, in front of the jobs that wait: a long job continues.
            delay = delay if has_progressed else max(delay, _SHORTEST_WAIT)
            return Released(reason=message(error, secrets), delay_ms=delay)
        case BudgetSpent():
            wait_ms, reason = delay_in_ms(error.seconds) or 0, message(error, secrets)
            wait_ms = max(wait_ms, _SHORTEST_WAIT)
            if error.is_of_user:
                return Released(0, reason, wait_ms, lacking=str(error.amount), capped=error.scope)
            return Released(wait_ms, reason, lacking=str(error.amount))
        case RateLimited(may_be_paid=False) if job.rate_limits < _MAX_RATE_LIMITS:
            # Without a delay, which a vendor may also tell as 0, the next request would follow at once.
            hold = delay_in_ms(error.retry_after) or round(worker_context.hold * 1000)
            return Released(min(hold, LONGEST_RETRY_AFTER), message(error, secrets))
        case _:
            return failed(error, secrets)
