"""A number that stands for a job in memory that processes share."""

from __future__ import annotations

from hashlib import blake2b


def digest(*words: str) -> int:
    """Return eight bytes of a digest as a number; never 0, which is an empty cell."""
    digested = blake2b(" ".join(words).encode("utf-8", "surrogateescape"), digest_size=8)
    return int.from_bytes(digested.digest()) | 1
