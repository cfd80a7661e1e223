"""What the server answers while it cannot read a queue."""

from __future__ import annotations

from redis.exceptions import RedisError

from ..errors import NewerLayout
from ..store.refusals import meaning_of, summary_of

#: What may be over soon: Redis doesn't answer, or the server itself is about to be updated.
TROUBLES = (RedisError, NewerLayout)


def trouble_of(error: RedisError | NewerLayout) -> str:
    """Return what keeps a queue from being read, without the words of Redis's errors: they may name servers
    that a client of this API should not know."""
    if isinstance(error, NewerLayout):
        return str(error)
    return summary_of(error, meaning_of(error) or type(error).__name__)
