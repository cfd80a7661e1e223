"""One attempt at a job: runs the handler and turns whatever comes of it into an outcome."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any

from ..clients.services import Services
from ..errors import (
    InvalidJob,
    JobLost,
    JobTimeout,
    MachineError,
    OutOfService,
    PermanentError,
    Postponed,
    RateLimited,
    ServiceError,
    TransientError,
)
from ..handlers.kind import Handler
from ..log import redact
from ..queue.job import Job
from ..queue.outcome import Completed, Failed, Outcome, Released
from ..queue.slot import Slot
from .running import RunningAttempt

logger = logging.getLogger(__name__)

_compact = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode

#: Characters of an error's message that are kept with the job.
_MESSAGE_LIMIT = 2_000

#: Times a job goes back uncounted because the vendor limits the rate; from then on it counts as a failure.
_MOST_RATE_LIMITS = 20


@dataclass(frozen=True)
class Circumstances:
    """What all attempts of one worker share."""

    handle: Handler
    services: Services
    slot: Slot
    #: Seconds that the queue is held when the vendor limits the rate without saying for how long.
    hold: float
    #: Seconds between two probes of a queue whose vendor refuses everything.
    probe_interval: float
    secrets: Sequence[str]


def run(job: Job, worker: Circumstances, deadline: AbstractContextManager[None]) -> Outcome:
    """Runs the handler inside the deadline and returns the outcome; a JobTimeout becomes one too.

    Raises JobLost when another worker owns the job now: then there is nothing to settle.
    """
    secrets = worker.secrets
    try:
        with deadline:
            data = job.data
            if not isinstance(data, dict):
                raise InvalidJob("data must be a JSON object")
            with closing(RunningAttempt(job, data, worker.slot, worker.services)) as running:
                result = worker.handle(running, worker.services)
        return Completed(_encode_result(result))
    except JobLost:
        raise
    except Postponed as error:
        return Released(reason=_message(error, secrets))
    except OutOfService as error:
        hold_ms = round(worker.probe_interval * 1000)
        return Released(hold_ms, _message(error, secrets), out_of_service=True)
    except ServiceError as error:
        if not error.refuses_all:
            return _failed(error, secrets)
        hold_ms = round(worker.probe_interval * 1000)
        return Released(hold_ms, _message(error, secrets), out_of_service=True)
    except RateLimited as error:
        seconds = worker.hold if error.retry_after is None else error.retry_after
        if job.rate_limits >= _MOST_RATE_LIMITS:
            return Failed(_describe(error, secrets), retry_after_ms=round(seconds * 1000))
        return Released(round(seconds * 1000), _message(error, secrets))
    # CancelledError, KeyboardInterrupt and GeneratorExit too: from here on each would end the worker.
    except BaseException as error:  # noqa: BLE001
        return _failed(error, secrets)


def _failed(error: BaseException, secrets: Sequence[str]) -> Failed:
    failure = _describe(error, secrets)
    match error:
        case InvalidJob():
            return Failed(failure, reason="invalid")
        case PermanentError():
            return Failed(failure, reason="permanent")
        case TransientError(retry_after=float() | int() as seconds):
            return Failed(failure, retry_after_ms=round(seconds * 1000))
        case ServiceError(retry_after=float() | int() as seconds):
            return Failed(failure, retry_after_ms=round(seconds * 1000))
        case TransientError() | ServiceError() | MachineError() | JobTimeout():
            return Failed(failure)
    # A bug, ours or a library's. It is retried, for it may be one of circumstances, and never hidden.
    logger.error("The handler raised an error that it does not declare", exc_info=error)
    return Failed(failure)


def _encode_result(result: Mapping[str, Any]) -> str:
    try:
        return _compact(dict(result))
    except (TypeError, ValueError) as error:
        raise PermanentError(f"the handler's result is not JSON: {error}") from error


def _describe(error: BaseException, secrets: Sequence[str]) -> str:
    described = {"class": type(error).__name__, "message": _message(error, secrets)}
    if error.__cause__ is not None:
        described["cause"] = type(error.__cause__).__name__
    return _compact(described)


def _message(error: BaseException, secrets: Sequence[str]) -> str:
    # Half of a surrogate pair, which JSON may hold, is no text that can be sent.
    text = str(error).encode("utf-8", "backslashreplace").decode("utf-8")
    return redact(text, secrets)[:_MESSAGE_LIMIT]
