"""The janitor's steps, each with its own guard: what one step of one queue meets costs the others nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import RedisError

from ..log import fields
from ..store.refusals import is_refusal, is_server_wide

logger = logging.getLogger(__name__)

Value = TypeVar("Value")


class Steps:
    """Runs steps. What goes wrong with one is logged once, and again only when it changes."""

    def __init__(self) -> None:
        self._troubles: dict[tuple[str, str], str] = {}

    def run(self, queue: str, step: str, action: Callable[[], Value]) -> Value | None:
        """Return the action's value; None if Redis refuses it, because someone changed a key, for example.

        Raises redis.RedisError if Redis does not answer, or would refuse every other step as well.
        """
        try:
            value = action()
        except RedisError as error:
            if not is_refusal(error) or is_server_wide(error):
                raise
            self._note(queue, step, str(error))
            return None
        except (ValueError, TypeError, KeyError, IndexError) as error:
            # A bug, or an answer that none of our scripts gives. The other steps still have to be done.
            self._note(queue, step, f"{type(error).__name__}: {error}", error)
            return None
        if self._troubles.pop((queue, step), None):
            logger.info("This queue is kept in order again", extra=fields(queue=queue, step=step))
        return value

    def _note(self, queue: str, step: str, trouble: str, bug: Exception | None = None) -> None:
        if self._troubles.get((queue, step)) != trouble:
            self._troubles[queue, step] = trouble
            logger.error(
                "This queue can not be kept in order",
                extra=fields(queue=queue, step=step, error=trouble),
                exc_info=bug,
            )
