"""The JobContext that handlers get (see `registry/context.py`), backed by the running job in Redis."""

from __future__ import annotations

import base64
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NoReturn, TypeVar

from redis.exceptions import RedisError

from ...clients.s3.keys import key_segment
from ...clients.services import Services
from ...clients.usage import Payment, Usage
from ...errors import JobError, JobLost, PermanentError, Snooze
from ...log import fields
from ...store.consuming.running_job import RunningJob
from ...store.job import Job
from . import late_arrival
from .arguments import percentage, snoozed
from .encoding import encode_step
from .failures import valid_text
from .payments import OpenPayment, Payments, PaymentTerms
from .step_retry import retry_step

Value = TypeVar("Value")

logger = logging.getLogger(__name__)

#: Seconds between two progress updates of one job: each costs a round trip.
_PROGRESS_INTERVAL = 0.2

#: Characters of the word for what a job does now.
_MAX_STAGE = 200

#: Seconds that a job occupies its worker while it waits for a rate-limit token.
_MAX_TOKEN_WAIT = 5.0

#: Characters of a checkpoint in the job's hash; larger ones are stored in S3.
_MAX_CHECKPOINT = 100_000

#: The same in S3: an attempt has it in memory several times.
_MAX_S3_CHECKPOINT = 64 * 1024 * 1024

#: The same while S3 fails: 750 kB of audio in base64.
_MAX_FALLBACK_CHECKPOINT = 1_000_000


class ActiveJobContext:
    """One attempt at a job. Another worker may own the job at any time, so every write checks the lease."""

    def __init__(
        self,
        job: Job,
        data: Mapping[str, Any],
        running_job: RunningJob,
        services: Services,
        terms: PaymentTerms,
        time_limit: float = math.inf,
    ) -> None:
        self.id = job.id
        self.data = data
        self._job = job
        self._running_job = running_job
        self._services = services
        self._ends_at = time.monotonic() + time_limit
        self._progress_at = 0.0
        self._payments = Payments(job, data, running_job, terms)
        #: Whether this attempt has stored something from which the next one continues.
        self.has_progressed = False
        #: The names of the steps that run now, the innermost last.
        self._steps: list[str] = []

    @cached_property
    def _checkpoints(self) -> dict[str, str]:
        return dict(self._job.checkpoints)

    @property
    def queue(self) -> str:
        """The name of the job's queue."""
        return self._job.queue

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self._job.attempts

    @property
    def priority(self) -> int:
        """The job's priority, 1 (most urgent) to 100."""
        return self._job.priority

    @property
    def time_left(self) -> float:
        """Seconds until the time limit interrupts this attempt."""
        return self._ends_at - time.monotonic()

    @property
    def traceparent(self) -> str | None:
        """The trace that its producer gave the job to."""
        return self._job.traceparent

    def progress(self, percent: float, stage: str = "") -> None:
        """Store the progress, at most five times a second. Raises JobLost, and ValueError for no number; a
        failure of Redis is ignored."""
        percent = percentage(percent)
        now = time.monotonic()
        if now < self._progress_at + _PROGRESS_INTERVAL:
            return
        self._progress_at = now
        try:
            self._running_job.progress(self._job, percent, valid_text(stage)[:_MAX_STAGE])
        except RedisError as error:
            logger.debug("Cannot store progress", extra=fields(error=str(error)))

    def step(self, name: str, call: Callable[[], Value]) -> Value:
        """Return what `call` returned, now or in an earlier attempt. Raises what it raises, and JobLost."""
        name = valid_text(name)  # as it is read by a later attempt
        stored = self._checkpoints.get(name)
        if stored is not None and (loaded := self._load(stored)) is not None:
            value: Value = loaded["value"]
            return value
        self._steps.append(name)
        try:
            checkpoint = f'{{"value": {encode_step(name, call())}}}'
        finally:
            self._steps.pop()
        # The same value that a later attempt will load, such as a list for a tuple.
        value = json.loads(checkpoint)["value"]
        if len(checkpoint) > _MAX_CHECKPOINT:
            checkpoint = self._large_checkpoint(name, checkpoint)
        retry_step(lambda: self._store(name, checkpoint))
        self.has_progressed = True
        self._payments.settle()
        self._checkpoints[name] = checkpoint
        return value

    def keep(self, name: str, call: Callable[[], bytes], store: Callable[[bytes], None]) -> bytes:
        """Return what `call` returned, now or in an earlier attempt, after `store` has stored it.

        Raises what `call` and `store` raise, and JobLost.
        """
        name = valid_text(name)
        value = _bytes(self._checkpoints.get(name, "")) or call()
        checkpoint = ""

        def save() -> bool:
            nonlocal checkpoint
            checkpoint = checkpoint or json.dumps({"base64": base64.b64encode(value).decode()})
            return self._try_checkpoint(name, checkpoint)

        retry_step(lambda: store(value), save)
        self.has_progressed = True
        if self._checkpoints.pop(name, None):
            self._try_checkpoint(name, "{}")  # stored elsewhere now, so free the memory in Redis
        return value

    @contextmanager
    def payment(self, worst_case: Usage) -> Iterator[Payment]:
        """Return a context manager around one paid request. Entering raises JobLost: nothing may be sent."""
        with self._payments.payment(worst_case, self._steps[-1] if self._steps else None) as payment:
            sent = time.monotonic()
            try:
                yield payment
            finally:
                self._note_limits(payment, time.monotonic() - sent)

    def close(self) -> None:
        """End the attempt: what its paid requests cost is kept for the settlement."""
        self._payments.finish()

    def acquire_token(self) -> None:
        """Wait until the rate limit allows one more paid request.

        Raises JobLost, and Snooze if the wait is long: that frees the worker, the next attempt continues from
        the checkpoints, and its start acquires the token.
        """
        while seconds := retry_step(lambda: self._running_job.acquire_token(self._job)):
            if seconds > _MAX_TOKEN_WAIT:
                raise Snooze("waiting for the rate limit before the next request")
            time.sleep(seconds)

    def check_lease(self) -> None:
        """Raise JobLost if another worker owns the job now."""
        retry_step(lambda: self._running_job.check_lease(self._job))

    def snooze(self, seconds: float) -> NoReturn:
        """End the attempt, uncounted, and run the job again after `seconds` (see Snooze). Raises Snooze;
        ValueError for less than 0 s or more than ten years."""
        raise snoozed(seconds)

    def not_found(self, message: str) -> NoReturn:
        """End the attempt: raise Snooze while what the job names may be on its way, else PermanentError."""
        raise late_arrival.not_found(self._job, message)

    def _large_checkpoint(self, name: str, checkpoint: str) -> str:
        """Return what to store for a large checkpoint: its reference in S3, or itself if there is no S3."""
        # Jobs of others may run without services.
        has_storage = getattr(self._services, "has_storage", False)
        most = _MAX_S3_CHECKPOINT if has_storage else _MAX_FALLBACK_CHECKPOINT
        if len(checkpoint) > most:
            raise PermanentError(
                f"cannot store the result of step {name}: {len(checkpoint):,} bytes of JSON; "
                f"{'' if has_storage else 'without S3_BUCKET '}at most {most:,} are allowed"
            )
        return self._upload_checkpoint(name, checkpoint) if has_storage else checkpoint

    def _note_limits(self, payment: OpenPayment, age: float) -> None:
        """Store what the answer said about the vendor's limits, `age` seconds after its request was sent."""
        if not payment.limits:
            return
        used = sum(payment.usage.tokens.values()) if payment.usage else 0
        try:
            self._running_job.note_vendor_limits(self._job, age, used, payment.limits)
        except (RedisError, JobLost) as error:  # the next answer tells them again
            logger.debug("Cannot store the vendor's rate limits", extra=fields(error=str(error)))

    def _upload_checkpoint(self, name: str, checkpoint: str) -> str:
        """Store a large checkpoint in S3. Returns its reference, or the checkpoint itself if S3 fails."""
        # With the fencing token, so that an attempt that lost its job cannot overwrite a later one's file.
        folder = f"checkpoints/{self._job.queue}/{key_segment(self._job.id)}"
        key = f"{folder}/{self._job.fencing_token}-{key_segment(name)}.json"

        def upload() -> None:
            self._services.storage.upload(key, checkpoint.encode(), "application/json")

        try:
            retry_step(upload, lambda: self._try_checkpoint(name, checkpoint))
        except JobError:
            if self._checkpoints.get(name) != checkpoint:
                raise
            return checkpoint
        return json.dumps({"key": key})

    def _store(self, name: str, checkpoint: str) -> None:
        """Store the checkpoint in Redis. Raises JobLost and redis.RedisError."""
        if missing := self._running_job.checkpoint(self._job, name, checkpoint):
            # The job goes on, since this process has the value. Only a failover and its death would lose it.
            logger.warning(
                "Checkpoint is not replicated",
                extra=fields(
                    step=name, wanted=missing.wanted, confirmed=missing.confirmed, onDisk=missing.on_disk
                ),
            )

    def _try_checkpoint(self, name: str, checkpoint: str) -> bool:
        """Try once to store the checkpoint in Redis, unless it is too large for that. Returns whether it was
        stored. Raises JobLost."""
        if len(checkpoint) > _MAX_FALLBACK_CHECKPOINT:
            return False
        try:
            self._store(name, checkpoint)
        except RedisError as error:
            logger.debug("Cannot store checkpoint", extra=fields(error=str(error)))
            return False
        self._checkpoints[name] = checkpoint
        return True

    def _load(self, checkpoint: str) -> Mapping[str, Any] | None:
        """Return the object with the checkpoint's `value`, or None if it is missing or was changed."""
        stored = _object(checkpoint)
        key = stored.get("key")
        if key is not None:
            stored = _object(self._services.storage.read(str(key), _MAX_S3_CHECKPOINT) or "")
        if "value" in stored:
            return stored
        # An operator deleted the object or edited the hash: paying again is better than failing.
        logger.warning("Checkpoint is missing or damaged, running its step again", extra=fields(key=key))
        return None


def _object(text: str | bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _bytes(checkpoint: str) -> bytes | None:
    """Return the bytes that `keep` stored, or None for any other checkpoint."""
    try:
        return base64.b64decode(str(_object(checkpoint).get("base64") or ""), validate=True)
    except ValueError:
        return None
