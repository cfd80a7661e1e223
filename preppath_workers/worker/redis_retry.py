"""Repeats a step that a job cannot do without: what is at stake was paid for, or cannot be undone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import RedisError

from ..errors import JobTimeout, MachineError, ServiceError, TransientError
from ..log import fields

logger = logging.getLogger(__name__)

Value = TypeVar("Value")

#: Failures that may be over at the next try. Redis has no class of ours.
_PASSING = (RedisError, ServiceError, TransientError, MachineError)

#: Seconds before the second try, and the most before any other: each pause is twice the last one.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

#: Seconds that a worker is kept busy with a step although nothing is at stake any more.
_PATIENCE = 10.0


def insist(step: Callable[[], Value], secure: Callable[[], bool] = lambda: False) -> Value:
    """Return the step's value, however long a service or Redis is away; the job's time limit ends the wait.

    Args:
        step: raises RedisError, ServiceError, TransientError or MachineError if it did not succeed.
        secure: called after a failure; returns whether a later attempt can repeat the step, because what is
            at stake was put elsewhere. Then the failure is raised within seconds.

    Raises:
        ServiceError: when the time is over, and with `may_be_paid` if nothing was secured.
        JobTimeout: when the time is over and no service is to blame.
    """
    begun, pause = time.monotonic(), _FIRST_PAUSE
    failure: Exception | None = None
    secured = False
    try:
        while True:
            try:
                return step()
            except _PASSING as error:
                # Once: the workers report an outage of Redis by themselves.
                level = logging.DEBUG if failure or isinstance(error, RedisError) else logging.WARNING
                logger.log(level, "Step failed, trying again", extra=fields(error=str(error)))
                failure = error
            secured = secured or secure()
            if secured and time.monotonic() - begun > _PATIENCE:
                raise failure
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
    except JobTimeout:
        secured = secured or secure()
        if not isinstance(failure, ServiceError):
            raise
        raise _out_of_time(failure, secured) from failure


def _out_of_time(failure: ServiceError, secured: bool) -> ServiceError:
    return ServiceError(
        failure.service,
        f"the job's time ran out while it waited: {failure}",
        # What is paid for again with each attempt has to count, or a queue that is probed pays for ever.
        refuses_all=failure.refuses_all and secured,
        may_be_paid=not secured,
        retry_after=failure.retry_after,
    )
