"""A job that a producer adds: its checks, and its form in Redis."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..store.arguments import LONGEST_SECONDS, check_seconds, plain_text, whole_number
from ..store.job import DEFAULT_PRIORITY
from ..store.job_id import is_valid_id, new_id
from ..store.json_text import encode_with, whole_characters
from .tracing import is_traceparent

_compact = encode_with(json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")))

#: Largest data of one job, bytes of JSON. Store larger objects in S3 and their key in the job.
MAX_DATA_BYTES = 1_000_000

#: Jobs added by one script call, bounded because a script blocks Redis, for some 20 µs a job, or up to some
#: 50 µs if users take turns.
_CHUNK = 50

#: Characters of data in one script call: 50 jobs of the largest size would be 50 MB.
_CHUNK_CHARACTERS = 1_000_000

#: Longest delay and longest time to expiry, seconds.
LONGEST_DELAY = LONGEST_SECONDS

#: The most jobs that a group may be said to have.
LARGEST_GROUP = 1_000_000

#: Arguments of `enqueue.lua` for one job; see `NewJob.encode`.
Encoded = tuple[str, str, int, int | str]


class DataTooLarge(ValueError):
    """Raised for data of more than `MAX_DATA_BYTES`."""


@dataclass(frozen=True)
class NewJob:
    """A job to add.

    Args:
        data: a JSON object, up to `MAX_DATA_BYTES`.
        id: a unique id; a new ULID by default. Adding an id that still exists is a no-op.
        priority: 1 (most urgent) to 100; first in, first out within one priority.
        delay: seconds until the job is due.
        at: the time when it is due, with a time zone, in place of `delay`; by Redis's clock.
        expires: seconds from now. A job that hasn't started by then never starts and ends as `expired`.
        group: the name of a group of jobs, in the form of an id. When all of its jobs have ended, one event
            reports it.
        group_size: how many jobs the group will have. Without it, the group ends after `Queue.close_group`.
        traceparent: the trace that it belongs to (W3C Trace Context).
    """

    data: Mapping[str, Any]
    id: str = field(default_factory=new_id)
    priority: int = DEFAULT_PRIORITY
    delay: float = 0.0
    at: datetime | None = None
    expires: float | None = None
    group: str | None = None
    group_size: int | None = None
    traceparent: str | None = None

    def encode(self) -> Encoded:
        """Return the script's arguments: see `encode`. Raises ValueError if any is invalid."""
        job_id = check_id(self.id)
        when = (self.delay, self.at, self.expires)
        return encode(self.data, job_id, self.priority, *when, self.group, self.group_size, self.traceparent)


def encode(
    data: Mapping[str, Any],
    job_id: str,
    priority: int = DEFAULT_PRIORITY,
    delay: float = 0.0,
    at: datetime | None = None,
    expires: float | None = None,
    group: str | None = None,
    group_size: int | None = None,
    traceparent: str | None = None,
) -> Encoded:
    """Return the script's arguments for the job that these fields of `NewJob` describe: id, JSON, priority,
    and the delay in ms or the options as JSON. Raises ValueError if any is invalid; the id is not checked.
    What depends on Redis's clock is checked there.

    Without a NewJob, whose making takes as long as this.
    """
    priority = check_priority(priority)
    if at is not None:
        _check_due_time(at, delay)
    if type(delay) is not float:  # as by default
        check_seconds("delay", delay)
    if not 0 <= delay <= LONGEST_DELAY:
        raise ValueError(f"delay must be 0 or more seconds and at most ten years, not {delay!r}")
    encoded, delay_ms = encode_data(data), round(delay * 1000)
    if at is None and expires is None and group is None and group_size is None and traceparent is None:
        return job_id, encoded, priority, delay_ms
    options = _options(delay_ms, at, expires, group, group_size, traceparent)
    return job_id, encoded, priority, _compact(options)


def _options(
    delay_ms: int,
    at: datetime | None,
    expires: float | None,
    group: str | None,
    group_size: int | None,
    traceparent: str | None,
) -> Mapping[str, int | str]:
    # The script compares the time with Redis's clock: this machine's may be wrong.
    options: dict[str, int | str] = {"at": _ms(at)} if at else {"delay": delay_ms}
    if expires is not None:
        check_seconds("expires", expires)
        if not delay_ms < expires * 1000 <= LONGEST_DELAY * 1000:
            raise ValueError(
                f"expires must be later than delay, and at most ten years, not {expires!r} seconds"
            )
        options["expires"] = round(expires * 1000)
    if group is not None:
        options["group"] = check_id(group, "group")
    if traceparent is not None:
        if not is_traceparent(traceparent):
            raise ValueError(f"traceparent must be as in W3C Trace Context, not {traceparent!r}")
        options["traceparent"] = traceparent
    if group_size is not None:
        if group is None:
            raise ValueError("group_size needs a group")
        options["groupSize"] = whole_number("group_size", group_size, 1, LARGEST_GROUP)
    return options


def _ms(at: datetime) -> int:
    return max(0, round(at.timestamp() * 1000))


def _check_due_time(at: datetime, delay: float) -> None:
    if not isinstance(at, datetime) or at.utcoffset() is None:
        raise ValueError(f"at must be a time with a time zone, not {at!r}")
    if delay:
        raise ValueError("at and delay exclude each other")


def due_time(text: str) -> datetime:
    """Return the due time that a text names (ISO 8601). Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        raise ValueError(f"at must be a time with a time zone, such as 2026-12-01T08:00:00Z, not {text!r}")
    return at


def check_id(value: str, name: str = "id") -> str:
    """Return an id, or the name of a group, as plain text. Raises ValueError if it cannot be one."""
    if not isinstance(value, str) or not is_valid_id(value):
        raise ValueError(
            f"{name} {value!r} must be 1 to 128 letters, digits or . _ : @ / + = -, a letter or digit first"
        )
    return plain_text(name, value)


def check_priority(priority: int) -> int:
    """Return a priority as a plain number. Raises ValueError unless it is a whole number from 1 to 100."""
    return whole_number("priority", priority, 1, 100)


def encode_data(data: Mapping[str, Any]) -> str:
    """Return the data as compact JSON, with U+FFFD in place of lone surrogates. Raises ValueError if it isn't
    a JSON object or is larger than `MAX_DATA_BYTES`."""
    if not isinstance(data, (dict, Mapping)):  # dict first: an ABC's check is slow
        raise ValueError(f"data must be a JSON object, not {type(data).__name__}")
    try:
        encoded = _compact(data if isinstance(data, dict) else dict(data))
        if encoded.isascii():
            size = len(encoded)
        else:
            encoded = whole_characters(encoded)
            size = len(encoded.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"data is not JSON: {error}") from error
    if size > MAX_DATA_BYTES:
        raise DataTooLarge(f"data has {size:,} bytes of JSON; at most {MAX_DATA_BYTES:,} are allowed")
    return encoded


def chunks(jobs: Iterable[NewJob]) -> Iterator[list[Encoded]]:
    """Yield the jobs, encoded, in chunks that one call can take. Raises ValueError, which names the job."""
    chunk: list[Encoded] = []
    size = 0
    if isinstance(jobs, NewJob):
        raise ValueError("jobs must be a list of NewJob, not one of them")
    for job in jobs:
        if not isinstance(job, NewJob):
            raise ValueError(f"jobs must be NewJob, not {type(job).__name__}")
        try:
            encoded = job.encode()
        except ValueError as error:
            kind = DataTooLarge if isinstance(error, DataTooLarge) else ValueError
            raise kind(f"job {job.id}: {error}") from error
        if len(chunk) == _CHUNK or (chunk and size + len(encoded[1]) > _CHUNK_CHARACTERS):
            yield chunk
            chunk, size = [], 0
        chunk.append(encoded)
        size += len(encoded[1])
    if chunk:
        yield chunk
