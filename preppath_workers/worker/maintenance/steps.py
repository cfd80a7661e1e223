"""Runs the janitor's steps in isolation: a failure of one step of one queue does not affect the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import RedisError

from ...log import fields
from ...store.refusals import is_refusal, is_server_wide

logger = logging.getLogger(__name__)

Value = TypeVar("Value")


class Steps:
    """Runs steps and logs each failure once, and again if its error changes."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], str] = {}

    def run(self, queue: str, step: str, action: Callable[[], Value]) -> Value | None:
        """Return the action's value; None if it failed on this queue alone, such as on a key of a wrong type.

        Raises redis.RedisError if Redis does not answer, or would reject every other step as well.
        """
        try:
            value = action()
        except RedisError as error:
            if not is_refusal(error) or is_server_wide(error):
                raise
            self._note(queue, step, str(error))
            return None
        except (ValueError, TypeError, KeyError, IndexError) as error:
            # A bug, or an unexpected answer of Redis. The other steps must still run.
            self._note(queue, step, f"{type(error).__name__}: {error}", error)
            return None
        if self._failures.pop((queue, step), None):
            logger.info("Janitor step works again", extra=fields(queue=queue, step=step))
        return value

    def _note(self, queue: str, step: str, failure: str, bug: Exception | None = None) -> None:
        if self._failures.get((queue, step)) != failure:
            self._failures[queue, step] = failure
            logger.error(
                "Janitor step failed",
                extra=fields(queue=queue, step=step, error=failure),
                exc_info=bug,
            )
