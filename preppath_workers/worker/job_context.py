"""What a handler sees of its job: the Attempt of `handlers/kind.py`, on a worker's slot."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from redis.exceptions import RedisError

from ..clients.s3.keys import key_segment
from ..clients.services import Services
from ..errors import JobError, Snooze
from ..log import fields
from ..store.consumer import Consumer
from ..store.job import Job
from .attempt_consumer import AttemptConsumer
from .redis_retry import insist

logger = logging.getLogger(__name__)

#: Seconds between two progress updates of one job: each costs a round trip, nobody reads faster.
_PROGRESS_INTERVAL = 0.2

#: Seconds that a job waits for its next request with its worker.
_LONGEST_WAIT = 5.0

#: Characters of a stored answer that the job's hash may hold; larger ones go to S3.
_CHECKPOINT_LIMIT = 100_000

#: The same while S3 does not take them: 750 kB of audio, some 40 seconds of speech.
_EMERGENCY_LIMIT = 1_000_000


class ActiveJobContext:
    """One attempt at a job, which may be lost to another worker at any time: whatever matters asks first."""

    def __init__(self, job: Job, data: Mapping[str, Any], consumer: Consumer, services: Services) -> None:
        self.id = job.id
        self.data = data
        self._job = job
        self._consumer = AttemptConsumer(consumer)
        self._services = services
        self._progress_at = 0.0

    @cached_property
    def _checkpoints(self) -> dict[str, str]:
        return dict(self._job.checkpoints)

    def progress(self, percent: int) -> None:
        """Shows how far the job is, at most five times a second. Raises JobLost.

        Progress is a courtesy: when Redis does not answer, the job goes on without it.
        """
        now = time.monotonic()
        if now < self._progress_at + _PROGRESS_INTERVAL:
            return
        self._progress_at = now
        try:
            self._consumer.progress(self._job, max(0, min(100, int(percent))))
        except RedisError as error:
            logger.debug("Progress was not stored", extra=fields(error=str(error)))

    def step(self, name: str, call: Callable[[], Any]) -> Any:
        """What the call returned, now or in an earlier attempt. Raises what it raises, and JobLost."""
        stored = self._checkpoints.get(name)
        if stored is not None and (answer := self._stored(stored)) is not None:
            return answer["value"]
        checkpoint = json.dumps({"value": call()})
        # What a later attempt will see, so that none sees anything else.
        value = json.loads(checkpoint)["value"]
        if len(checkpoint) > _CHECKPOINT_LIMIT:
            checkpoint = self._moved_to_storage(name, checkpoint)
        insist(lambda: self._consumer.checkpoint(self._job, name, checkpoint))
        self._checkpoints[name] = checkpoint
        return value

    def keep(self, name: str, call: Callable[[], bytes], store: Callable[[bytes], None]) -> bytes:
        """What the call returned, now or in an earlier attempt, once `store` has stored it. Raises what they
        raise, and JobLost."""
        value = _bytes(self._checkpoints.get(name, "")) or call()
        checkpoint = ""

        def secure() -> bool:
            nonlocal checkpoint
            checkpoint = checkpoint or json.dumps({"base64": base64.b64encode(value).decode()})
            return len(checkpoint) <= _EMERGENCY_LIMIT and self._tried(name, checkpoint)

        insist(lambda: store(value), secure)
        if self._checkpoints.pop(name, None):
            self._tried(name, "{}")  # Redis need not hold for a day what S3 has
        return value

    def acquire_token(self) -> None:
        """Waits until the rate limit allows one more paid request. Raises JobLost, and Snooze rather than
        to spend the job's time and a worker on a long wait: started again, it goes on from the answers that
        are stored, and its start has paid for the next request."""
        while seconds := insist(lambda: self._consumer.acquire_token(self._job)):
            if seconds > _LONGEST_WAIT:
                raise Snooze("its next request has to wait for the rate limit")
            time.sleep(seconds)

    def check_lease(self) -> None:
        """Raises JobLost when another worker owns the job now."""
        insist(lambda: self._consumer.check_lease(self._job))

    def close(self) -> None:
        """Ends the attempt, for threads that a handler has left behind too: they get JobLost."""
        self._consumer.close()

    def _moved_to_storage(self, name: str, answer: str) -> str:
        """What the job's hash holds for an answer that S3 has, or for one that it does not take."""
        # With the fencing number, for an attempt that has lost its job must not write into a later one's.
        folder = f"checkpoints/{self._job.queue}/{key_segment(self._job.id)}"
        key = f"{folder}/{self._job.fencing_token}-{key_segment(name)}.json"

        def upload() -> None:
            self._services.storage.upload(key, answer.encode(), "application/json")

        def secure() -> bool:
            return len(answer) <= _EMERGENCY_LIMIT and self._tried(name, answer)

        try:
            insist(upload, secure)
        except JobError:
            if self._checkpoints.get(name) != answer:
                raise
            return answer
        return json.dumps({"key": key})

    def _tried(self, name: str, checkpoint: str) -> bool:
        """Whether Redis took the checkpoint, without waiting for it. Raises JobLost."""
        try:
            self._consumer.checkpoint(self._job, name, checkpoint)
        except RedisError as error:
            logger.debug("A checkpoint was not stored", extra=fields(error=str(error)))
            return False
        self._checkpoints[name] = checkpoint
        return True

    def _stored(self, checkpoint: str) -> Mapping[str, Any] | None:
        """What holds the answer's `value`; None when it is gone, or is no more what was stored."""
        stored = _object(checkpoint)
        key = stored.get("key")
        if key is not None:
            stored = _object(self._services.storage.read(str(key)) or "")
        if "value" in stored:
            return stored
        # Somebody tidied the bucket up, or edited the hash. To pay once more is better than to give up.
        logger.warning("A stored answer is gone, it is fetched again", extra=fields(key=key))
        return None


def _object(text: str | bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _bytes(checkpoint: str) -> bytes | None:
    """What `keep` has left; None for anything else."""
    try:
        return base64.b64decode(str(_object(checkpoint).get("base64") or ""), validate=True)
    except ValueError:
        return None
