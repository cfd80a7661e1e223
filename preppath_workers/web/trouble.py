"""What the server answers while Redis does not."""

from __future__ import annotations

from redis.exceptions import RedisError

from ..store.refusals import meaning_of, summary_of


def trouble_of(error: RedisError) -> str:
    """Return what keeps Redis from answering, without the error's own words: they may name servers that a
    client of this API should not know."""
    return summary_of(error, meaning_of(error) or type(error).__name__)
