"""Retries a step that a job depends on, such as storing a result that was paid for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import RedisError

from ...errors import JobTimeout, MachineError, ServiceError, TransientError
from ...log import fields

logger = logging.getLogger(__name__)

Value = TypeVar("Value")

#: Failures that may be over at the next try.
_RETRYABLE = (RedisError, ServiceError, TransientError, MachineError)

#: Seconds before the second try; the pause doubles up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

#: Seconds that the step is retried after `save` has made it safe to stop.
_PATIENCE = 10.0


def retry_step(step: Callable[[], Value], save: Callable[[], bool] = lambda: False) -> Value:
    """Call `step` until it succeeds or the job's time limit ends, and return its value.

    Args:
        step: raises RedisError, ServiceError, TransientError or MachineError if it failed.
        save: called after a failure; returns whether the step's input is saved, so that a later attempt can
            repeat the step. Then the failure is raised within seconds.

    Raises:
        ServiceError: the time limit ended while a service failed; `may_be_paid` if nothing was saved.
        JobTimeout: the time limit ended and no service had failed.
    """
    begun, pause = time.monotonic(), _FIRST_PAUSE
    failure: Exception | None = None
    saved = False
    try:
        while True:
            try:
                return step()
            except _RETRYABLE as error:
                # Once, and quietly for Redis, whose outages the worker logs itself.
                level = logging.DEBUG if failure or isinstance(error, RedisError) else logging.WARNING
                logger.log(level, "Step failed, retrying", extra=fields(error=str(error)))
                failure = error
            saved = saved or save()
            if saved and time.monotonic() - begun > _PATIENCE:
                raise failure
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
    except JobTimeout:
        saved = saved or save()
        if not isinstance(failure, ServiceError):
            raise
        raise _timed_out(failure, saved) from failure


def _timed_out(failure: ServiceError, saved: bool) -> ServiceError:
    return ServiceError(
        failure.service,
        f"the time limit ended while the job retried: {failure}",
        # Unsaved work is paid for again, so the attempt must count; probes would otherwise repeat it forever.
        refuses_all=failure.refuses_all and saved,
        may_be_paid=not saved,
        retry_after=failure.retry_after,
    )
