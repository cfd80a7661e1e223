"""A job as its hash tells it."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

State = Literal["waiting", "delayed", "active", "completed", "failed", "cancelled", "unknown"]

#: Priority of a job that was given none; 1 is the most urgent, 100 the least.
DEFAULT_PRIORITY = 50

#: Crockford's base 32, as in the ULID specification: no I, L, O or U.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}")


def new_id() -> str:
    """A ULID: 26 characters that sort by the time they were made (48 bits of ms, 80 of randomness).

    Layout: https://github.com/ulid/spec
    """
    number = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10))
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_valid_id(job_id: str) -> bool:
    """Whether a producer may choose this id: 1 to 128 of A-Z a-z 0-9 . _ : @ / + = -, letter or digit first.

    It stands in key names and on command lines, and no JSON object looks like it.
    """
    return _ID.fullmatch(job_id) is not None


@dataclass(frozen=True)
class Job:
    """One job at one moment. Times are ms since the epoch, None for what has not happened.

    Attributes that deserve a word:
        data: what the producer gave; `raw_data` is its JSON as it stands in Redis, and `data` is None where
            that is not JSON.
        attempts: times started; starts that were given back (shutdown, vendor's rate limit) do not count.
        failures: attempts that ended in an error; they decide about retries.
        releases: times it was given back unfinished; `rate_limits` of them for a vendor's rate limit.
        recoveries: times it was taken back from a worker that died.
        reason: why it is in the dead-letter list: invalid, permanent, retries, worker-died or malformed.
        fence: times started, ever. With `owner` (`<instance>:<slot>`) the fencing token of an attempt.
        checkpoints: what finished steps of a running job brought, by name, as JSON.
    """

    queue: str
    id: str
    raw_data: str
    priority: int
    state: State
    progress: int
    attempts: int
    failures: int
    recoveries: int
    replays: int
    releases: int
    rate_limits: int
    result: Any
    error: Mapping[str, Any] | None
    reason: str | None
    owner: str
    fence: int
    created_at: int | None
    queued_at: int | None
    started_at: int | None
    finished_at: int | None
    checkpoints: Mapping[str, str]

    @property
    def data(self) -> Any:
        return _json(self.raw_data)

    @property
    def wait_ms(self) -> int | None:
        """How long it waited in the queue before its last start, its own delays left out."""
        since = self.queued_at or self.created_at
        return self.started_at - since if self.started_at and since and self.started_at >= since else None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state in ("completed", "failed", "cancelled")

    @classmethod
    def from_hash(cls, queue: str, job_id: str, fields: Mapping[str, str]) -> Job:
        """Reads the hash. People edit hashes: a field that is missing or no number reads as its default."""

        def number(name: str, default: int = 0) -> int:
            return integer(fields.get(name)) or default

        return cls(
            queue=queue,
            id=job_id,
            raw_data=fields.get("data", ""),
            priority=number("priority", DEFAULT_PRIORITY),
            state=cast("State", fields.get("state", "unknown")),
            progress=number("progress"),
            attempts=number("attempts"),
            failures=number("failures"),
            recoveries=number("recoveries"),
            replays=number("replays"),
            releases=number("releases"),
            rate_limits=number("rateLimits"),
            result=_json(fields.get("result")),
            error=_object(fields.get("error")),
            reason=fields.get("reason"),
            owner=fields.get("owner", ""),
            fence=number("fence"),
            created_at=integer(fields.get("createdAt")),
            queued_at=integer(fields.get("queuedAt")),
            started_at=integer(fields.get("startedAt")),
            finished_at=integer(fields.get("finishedAt")),
            checkpoints={
                name.removeprefix("checkpoint:"): value
                for name, value in fields.items()
                if name.startswith("checkpoint:")
            },
        )

    @classmethod
    def from_reply(cls, queue: str, words: Sequence[str]) -> Job:
        """Reads the hash as scripts return it: field, value, …, with the id among them."""
        fields = dict(zip(words[::2], words[1::2], strict=True))
        return cls.from_hash(queue, fields["id"], fields)

    def to_dict(self) -> dict[str, Any]:
        """For people and programs outside: JSON types, camelCase names, times in ISO 8601 (UTC)."""
        return {
            "queue": self.queue,
            "id": self.id,
            "state": self.state,
            "progress": self.progress,
            "priority": self.priority,
            "attempts": self.attempts,
            "failures": self.failures,
            "recoveries": self.recoveries,
            "replays": self.replays,
            "data": self.data if self.data is not None else self.raw_data,
            "result": self.result,
            "reason": self.reason,
            "error": dict(self.error) if self.error else None,
            "createdAt": _iso(self.created_at),
            "startedAt": _iso(self.started_at),
            "finishedAt": _iso(self.finished_at),
        }


def integer(text: str | None) -> int | None:
    """The number in a field of a hash; None when there is none."""
    try:
        return int(float(text)) if text else None
    except (ValueError, OverflowError):
        return None


def _json(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def _object(text: str | None) -> dict[str, Any] | None:
    """An error is an object; whatever else stands there is shown as its message."""
    value = _json(text)
    if isinstance(value, dict):
        return value
    return {"class": "Unknown", "message": text} if text else None


def _iso(ms: int | None) -> str | None:
    if ms is None:
        return None
    try:
        return (
            datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
    except (ValueError, OverflowError, OSError):
        return None
