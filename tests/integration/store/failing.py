"""The arguments of `retry.lua` that follow the job's fencing token."""

from __future__ import annotations


def failing(
    error: str = "{}",
    kind: str = "unknown",
    retries: int = 3,
    backoff: int = 1_000,
    at_least: int = 0,
    *,
    service: str = "",
    words: str = "boom",
    longest: int = 3_600_000,
    jitter: float = 0,
    ceiling: int = 30_000,
    patience: int = 86_400_000,
) -> tuple[str | int, ...]:
    """Return the arguments. Times are in ms; `ceiling` is the longest time between two probes."""
    policy = (retries, backoff, longest, str(jitter), at_least)
    return (error, kind, service, words, *policy, ceiling, patience)
