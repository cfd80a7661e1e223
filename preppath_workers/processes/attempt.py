"""One attempt at a job: runs the handler and turns whatever comes of it into an outcome."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from ..errors import InvalidJob, JobLost, JobTimeout, PermanentError, RateLimited, TransientError
from ..handlers.kind import Handler
from ..log import facts, redact
from ..queue.job import Job
from ..queue.outcome import Completed, Failed, Outcome, Released
from ..queue.slot import Slot

if TYPE_CHECKING:  # the process that needs no vendor's library need not load one
    from ..clients.services import Services

logger = logging.getLogger(__name__)

#: Characters of an error's message that are kept with the job.
_MESSAGE_LIMIT = 2_000

#: Seconds between two progress updates of one job: each costs a round trip, nobody reads faster.
_PROGRESS_INTERVAL = 0.2


class RunningAttempt:
    """What the handler sees of its job."""

    def __init__(self, job: Job, data: Mapping[str, Any], slot: Slot) -> None:
        self.id = job.id
        self.data = data
        self._job = job
        self._slot = slot
        self._progress_at = 0.0

    def progress(self, percent: int) -> None:
        """Shows how far the job is, at most five times a second. Raises JobLost.

        Progress is a courtesy: when Redis does not answer, the job goes on without it.
        """
        now = time.monotonic()
        if now < self._progress_at + _PROGRESS_INTERVAL:
            return
        self._progress_at = now
        try:
            self._slot.progress(self._job, max(0, min(100, int(percent))))
        except RedisError as error:
            logger.debug("Progress was not stored", extra=facts(error=str(error)))


@dataclass(frozen=True)
class Circumstances:
    """What all attempts of one worker share."""

    handle: Handler
    services: Services
    slot: Slot
    #: Seconds that the queue is held when the vendor limits the rate without saying for how long.
    hold: float
    secrets: Sequence[str]


def run(job: Job, worker: Circumstances, deadline: AbstractContextManager[None]) -> Outcome:
    """Runs the handler inside the deadline and returns the outcome; a JobTimeout becomes one too.

    Raises JobLost when another worker owns the job now: then there is nothing to settle.
    """
    secrets = worker.secrets
    try:
        with deadline:
            result = worker.handle(RunningAttempt(job, _data(job), worker.slot), worker.services)
        return Completed(_encode_result(result))
    except JobLost:
        raise
    except RateLimited as error:
        seconds = worker.hold if error.retry_after is None else error.retry_after
        return Released(hold_ms=round(seconds * 1000), reason=_message(error, secrets))
    except (Exception, JobTimeout, SystemExit) as error:  # noqa: BLE001 — whatever a handler does, it ends here
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
        case TransientError() | JobTimeout():
            return Failed(failure)
    # A bug, ours or a library's. It is retried, for it may be one of circumstances, and never hidden.
    logger.error("The handler raised an error that it does not declare", exc_info=error)
    return Failed(failure)


def _data(job: Job) -> Mapping[str, Any]:
    if not isinstance(job.data, dict):
        raise InvalidJob("data must be a JSON object")
    return job.data


def _encode_result(result: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(result), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise PermanentError(f"the handler's result is not JSON: {error}") from error


def _describe(error: BaseException, secrets: Sequence[str]) -> str:
    described = {"class": type(error).__name__, "message": _message(error, secrets)}
    if error.__cause__ is not None:
        described["cause"] = type(error.__cause__).__name__
    return json.dumps(described, ensure_ascii=True, separators=(",", ":"))


def _message(error: BaseException, secrets: Sequence[str]) -> str:
    return redact(str(error), secrets)[:_MESSAGE_LIMIT]
