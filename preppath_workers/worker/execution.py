"""One attempt at a job: runs the handler and turns whatever comes of it into an outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any

from ..clients.services import Services
from ..errors import InvalidJob, JobLost, PermanentError, RateLimited, Snooze
from ..registry import Handler
from ..store.consumer import Consumer
from ..store.job import Job
from ..store.outcome import Completed, Outcome, Released
from .failures import failed, message
from .job_context import ActiveJobContext


def _plain(value: object) -> dict[Any, Any]:
    """A mapping that is no dict, as one. Raises TypeError for any other value that JSON does not have."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"it holds a value of type {type(value).__name__}")


_compact = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=_plain).encode

#: Times a job goes back uncounted because the vendor limits the rate; from then on it counts as a failure.
_MOST_RATE_LIMITS = 20


#: Bytes of JSON that a result may have: Redis keeps it in memory, and serves no one else while it copies it.
_RESULT_LIMIT = 1_000_000


@dataclass(frozen=True)
class WorkerContext:
    """What all attempts of one worker share."""

    handle: Handler
    services: Services
    consumer: Consumer
    #: Seconds that the queue is held when the vendor limits the rate without saying for how long.
    hold: float
    secrets: Sequence[str]


def run(job: Job, worker_context: WorkerContext, deadline: AbstractContextManager[None]) -> Outcome:
    """Runs the handler inside the deadline and returns the outcome; a JobTimeout becomes one too.

    Raises JobLost when another worker owns the job now: then there is nothing to settle.
    """
    secrets = worker_context.secrets
    try:
        with deadline:
            data = job.data
            if not isinstance(data, dict):
                raise InvalidJob("data must be a JSON object")
            with closing(
                ActiveJobContext(job, data, worker_context.consumer, worker_context.services)
            ) as running:
                result = worker_context.handle(running, worker_context.services)
        return Completed(_encode_result(result))
    except JobLost:
        raise
    except Snooze as error:
        return Released(reason=message(error, secrets))
    except RateLimited as error:
        seconds = worker_context.hold if error.retry_after is None else error.retry_after
        if job.rate_limits >= _MOST_RATE_LIMITS:
            return failed(error, secrets)
        return Released(round(seconds * 1000), message(error, secrets))
    # CancelledError, KeyboardInterrupt and GeneratorExit too: from here on each would end the worker.
    except BaseException as error:  # noqa: BLE001
        return failed(error, secrets)


def _encode_result(result: object) -> str:
    try:
        encoded = _compact(result)
    except (TypeError, ValueError, RecursionError) as error:
        raise PermanentError(
            f"cannot store the handler's result ({type(result).__name__}) as JSON: {error}"
        ) from error
    if len(encoded) > _RESULT_LIMIT:  # it is ASCII
        raise PermanentError(
            f"the handler's result has {len(encoded):,} bytes of JSON; at most {_RESULT_LIMIT:,} are stored"
        )
    return encoded
