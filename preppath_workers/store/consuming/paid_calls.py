"""What the paid requests of a slot's jobs cost, until the ledger in Redis has it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from redis.exceptions import ResponseError

from ...log import fields
from ..refusals import code_of, is_refusal, is_server_wide
from .slot_connection import SlotConnection

logger = logging.getLogger(__name__)


class PaidCalls:
    """Closed calls that are still to be stored. A call is JSON, as `lua/lib/ledger.lua` takes it."""

    def __init__(self, connection: SlotConnection) -> None:
        self._connection = connection
        #: The job's id, and the call.
        self._closed: list[tuple[str, str]] = []

    def add(self, job_id: str, call: str) -> None:
        """Keep a closed call for the next checkpoint of its job, or the next `store`."""
        self._closed.append((job_id, call))

    def of(self, job_id: str) -> Sequence[str]:
        """Return the calls of a job."""
        return [call for each, call in self._closed if each == job_id]

    def forget(self, calls: Sequence[str]) -> None:
        """Drop calls that the ledger has."""
        self._closed = [kept for kept in self._closed if kept[1] not in calls]

    def store(self) -> None:
        """Store all of them. Raises redis.RedisError."""
        if not self._closed:
            return
        calls = [*self._closed]
        words = [word for call in calls for word in call]
        try:
            with self._connection.bounded_by_python():
                self._connection.call("close_calls", *words)
        except ResponseError as error:
            if not is_refusal(error) or is_server_wide(error) or code_of(error) == "NOSCRIPT":
                raise
            # A key was edited by hand: the job must still be settled.
            logger.error(
                "Cannot store the cost of paid requests", extra=fields(calls=words, error=str(error))
            )
        # In place: a thread that outlives its attempt may add one at any time.
        del self._closed[: len(calls)]
