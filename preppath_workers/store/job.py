"""A job as its hash tells it."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from . import json_text

State = Literal["waiting", "delayed", "active", "completed", "failed", "cancelled", "unknown"]

#: Priority of a job that was given none; 1 is the most urgent, 100 the least.
DEFAULT_PRIORITY = 50

#: Crockford's base 32, as in the ULID specification: no I, L, O or U.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

#: Two of its digits for each ten bits: an id takes a third of the time that it takes digit by digit.
_DIGITS = [high + low for high in _ALPHABET for low in _ALPHABET]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}")


def new_id() -> str:
    """A ULID: 26 characters that sort by the time they were made (48 bits of ms, 80 of randomness).

    Layout: https://github.com/ulid/spec
    """
    number = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10))
    return "".join([_DIGITS[number >> shift & 1023] for shift in range(120, -1, -10)])


def is_valid_id(job_id: str) -> bool:
    """Whether a producer may choose this id: 1 to 128 of A-Z a-z 0-9 . _ : @ / + = -, letter or digit first.

    It stands in key names and on command lines, and no JSON object looks like it.
    """
    return _ID.fullmatch(job_id) is not None


@dataclass(slots=True)  # never changed; for what frozen would cost see outcome.py
class Job:
    """One job at one moment: its hash, read when asked. Times are ms since the epoch, None for what has not
    happened. People edit hashes: a field that is missing or no number reads as its default."""

    queue: str
    id: str
    #: As they stand in Redis.
    fields: Mapping[str, str]

    @classmethod
    def from_reply(cls, queue: str, words: Sequence[str]) -> Job:
        """Reads the hash as scripts return it: field, value, …, with the id among them."""
        word = iter(words)
        fields = dict(zip(word, word, strict=True))
        return cls(queue, fields.pop("id"), fields)

    @classmethod
    def first_started(cls, queue: str, worker_id: str, words: Sequence[str]) -> Job:
        """Reads what `first_starts.lua` returns of a job that its owner started for the first time."""
        job_id, data, priority, created_at, queued_at, started_at = words
        fields = {
            "data": data,
            "priority": priority,
            "createdAt": created_at,
            "queuedAt": queued_at,
            "startedAt": started_at,
            "state": "active",
            "workerId": worker_id,
            "attempts": "1",
            "fencingToken": "1",
        }
        return cls(queue, job_id, fields)

    @property
    def raw_data(self) -> str:
        """What the producer gave, as it stands in Redis: JSON, if all is well."""
        return self.fields.get("data", "")

    @property
    def data(self) -> Any:
        """What the producer gave; None where that is not JSON."""
        return _json(self.fields.get("data"), json_text.loads)

    @property
    def priority(self) -> int:
        """1 is the most urgent, 100 the least."""
        return self._number("priority", DEFAULT_PRIORITY)

    @property
    def state(self) -> State:
        return cast("State", self.fields.get("state", "unknown"))

    @property
    def progress(self) -> int:
        """0 to 100."""
        return self._number("progress")

    @property
    def attempts(self) -> int:
        """Times started; starts that were given back (shutdown, vendor's rate limit) do not count."""
        return self._number("attempts")

    @property
    def failures(self) -> int:
        """Attempts that ended in an error; they decide about retries."""
        return self._number("failures")

    @property
    def recoveries(self) -> int:
        """Times it was taken back from a worker that died."""
        return self._number("recoveries")

    @property
    def replays(self) -> int:
        """Times it came back from the dead-letter list."""
        return self._number("replays")

    @property
    def releases(self) -> int:
        """Times it was given back unfinished."""
        return self._number("releases")

    @property
    def rate_limits(self) -> int:
        """Those of its releases that a vendor's rate limit was to blame for."""
        return self._number("rateLimits")

    @property
    def excused(self) -> int:
        """Those of its attempts that failed for what all jobs share: they count neither as attempts nor as
        failures."""
        return self._number("excused")

    @property
    def result(self) -> Any:
        """What the handler returned."""
        return _json(self.fields.get("result"))

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The last failure: an object with class and message."""
        return error_object(self.fields.get("error"))

    @property
    def reason(self) -> str | None:
        """Why it is in the dead-letter list: invalid, permanent, retries, worker-died, malformed, and
        out-of-service or machine when it waited too long for those."""
        return self.fields.get("reason")

    @property
    def worker_id(self) -> str:
        """The slot that started it last: `<instance>:<slot>`."""
        return self.fields.get("workerId", "")

    @property
    def fencing_token(self) -> str:
        """Times started, ever, as it stands in Redis. With `worker_id` the fencing token of an attempt."""
        return self.fields.get("fencingToken", "")

    @property
    def created_at(self) -> int | None:
        return integer(self.fields.get("createdAt"))

    @property
    def queued_at(self) -> int | None:
        """When it went back to the wait list, if it did."""
        return integer(self.fields.get("queuedAt"))

    @property
    def started_at(self) -> int | None:
        return integer(self.fields.get("startedAt"))

    @property
    def finished_at(self) -> int | None:
        return integer(self.fields.get("finishedAt"))

    @property
    def checkpoints(self) -> Mapping[str, str]:
        """What finished steps of a running job brought, by name, as JSON."""
        return {
            name.removeprefix("checkpoint:"): value
            for name, value in self.fields.items()
            if name.startswith("checkpoint:")
        }

    @property
    def wait_ms(self) -> int | None:
        """How long it waited in the queue before its last start, its own delays left out."""
        since, started = self.queued_at or self.created_at, self.started_at
        return started - since if started and since and started >= since else None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state in ("completed", "failed", "cancelled")

    def _number(self, name: str, default: int = 0) -> int:
        return integer(self.fields.get(name)) or default

    def log_fields(self) -> dict[str, Any]:
        """What every line of the log tells of the job at work."""
        return {"queue": self.queue, "jobId": self.id, "attempt": self.attempts}

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
            "excused": self.excused,
            "recoveries": self.recoveries,
            "replays": self.replays,
            "data": self.data if self.data is not None else self.raw_data,
            "result": self.result,
            "reason": self.reason,
            "error": dict(self.error) if self.error else None,
            "createdAt": iso(self.created_at),
            "startedAt": iso(self.started_at),
            "finishedAt": iso(self.finished_at),
        }


def text(value: bytes | str) -> str:
    """What Redis answers, whether the client decodes it or not."""
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")


def integer(text: str | None) -> int | None:
    """The number in a field of a hash; None when there is none."""
    try:
        return int(float(text)) if text else None
    except (ValueError, OverflowError):
        return None


def _json(text: str | None, loads: Callable[[str], Any] = json.loads) -> Any:
    try:
        return loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def error_object(text: str | None) -> dict[str, Any] | None:
    """An error is an object; whatever else stands there is shown as its message."""
    value = _json(text)
    if isinstance(value, dict):
        return value
    return {"class": "Unknown", "message": text} if text else None


def iso(ms: int | None) -> str | None:
    """The moment as ISO 8601 (UTC, ms); None for None, and for what no calendar knows."""
    if ms is None:
        return None
    try:
        return (
            datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
    except (ValueError, OverflowError, OSError):
        return None
