"""A job, read from its hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from . import json_text
from .values import error_object, integer, iso, json_value

State = Literal[
    "waiting", "delayed", "active", "completed", "failed", "cancelled", "cancelling", "expired", "unknown"
]

#: The states of a job to which nothing more happens by itself.
ENDED_STATES = ("completed", "failed", "cancelled", "expired")

#: Priority of a job without one; 1 is the most urgent, 100 the least.
DEFAULT_PRIORITY = 50


@dataclass(slots=True)  # not frozen for speed: see outcome.py
class Job:
    """One job at one moment. Times are ms since the epoch; None if it hasn't happened. A field that is
    missing or isn't a number (hashes are edited by hand) reads as its default."""

    queue: str
    id: str
    #: As they stand in Redis.
    fields: Mapping[str, str]

    @classmethod
    def from_reply(cls, queue: str, words: Sequence[str]) -> Job:
        """Read the hash as scripts return it: field, value, …, including the id."""
        word = iter(words)
        fields = dict(zip(word, word, strict=True))
        return cls(queue, fields.pop("id"), fields)

    @classmethod
    def first_started(cls, queue: str, worker_id: str, text: str) -> Job:
        """Read what `first_start.lua` returns for a job that this worker started for the first time: some of
        its fields. Raises ValueError if it is something else.
        """
        # A space or line break that was written into a field by hand would shift the parts. Then the slot's
        # next claim returns the whole job, field by field.
        head, data = text.split("\n", 1)
        started_at, created_at, queued_at, priority, job_id = head.split(" ", 4)
        if " " in job_id or not started_at.isdecimal():
            raise ValueError("not the parts of a started job")
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
        """The producer's data as stored in Redis: JSON, unless it was edited."""
        return self.fields.get("data", "")

    @property
    def data(self) -> Any:
        """The producer's data, without the options of a raw push; None if it isn't JSON."""
        data = json_value(self.fields.get("data"), json_text.loads)
        if "options" in self.fields and isinstance(data, dict):
            return {name: value for name, value in data.items() if not name.startswith("$")}
        return data

    @property
    def priority(self) -> int:
        """1 is the most urgent, 100 the least."""
        return self._number("priority", DEFAULT_PRIORITY)

    @property
    def state(self) -> State:
        """Its state; `unknown` if the field was deleted by hand."""
        return cast("State", self.fields.get("state", "unknown"))

    @property
    def progress(self) -> int:
        """0 to 100."""
        return self._number("progress")

    @property
    def stage(self) -> str | None:
        """What the handler said last about what it does."""
        return self.fields.get("stage")

    @property
    def attempts(self) -> int:
        """How many times it started, without starts that were released (shutdown, vendor's rate limit)."""
        return self._number("attempts")

    @property
    def failures(self) -> int:
        """Attempts that ended in an error; they decide about retries."""
        return self._number("failures")

    @property
    def recoveries(self) -> int:
        """How many times its worker died."""
        return self._number("recoveries")

    @property
    def replays(self) -> int:
        """How many times it was replayed from the dead-letter list."""
        return self._number("replays")

    @property
    def releases(self) -> int:
        """How many times it was released unfinished."""
        return self._number("releases")

    @property
    def rate_limits(self) -> int:
        """How many of its releases were caused by a vendor's rate limit."""
        return self._number("rateLimits")

    @property
    def excused(self) -> int:
        """How many attempts failed for a cause that jobs share. Other counters leave them out."""
        return self._number("excused")

    @property
    def result(self) -> Any:
        """What the handler returned."""
        return json_value(self.fields.get("result"))

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The last failure: an object with class and message."""
        return error_object(self.fields.get("error"))

    @property
    def failed_attempts(self) -> Sequence[Mapping[str, Any]]:
        """Its latest attempts that failed, oldest first: startedAt and failedAt (ms), workerId, class and
        message. At most ten, kept beyond replays."""
        attempts = json_value(self.fields.get("failedAttempts"))
        return [each for each in attempts if isinstance(each, dict)] if isinstance(attempts, list) else []

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
        """How many times it has ever started, as text: with `worker_id` it identifies an attempt."""
        return self.fields.get("fencingToken", "")

    @property
    def traceparent(self) -> str | None:
        """The trace that its producer gave it to (W3C Trace Context)."""
        return self.fields.get("traceparent")

    @property
    def is_cancelling(self) -> bool:
        """Whether it was cancelled while it ran."""
        return "cancelRequestedAt" in self.fields

    @property
    def created_at(self) -> int | None:
        """When it was added."""
        return integer(self.fields.get("createdAt"))

    @property
    def queued_at(self) -> int | None:
        """When it went back to the wait list, if it did."""
        return integer(self.fields.get("queuedAt"))

    @property
    def started_at(self) -> int | None:
        """When its last attempt started."""
        return integer(self.fields.get("startedAt"))

    @property
    def finished_at(self) -> int | None:
        """When it completed, failed for good, was cancelled or expired."""
        return integer(self.fields.get("finishedAt"))

    @property
    def expires_at(self) -> int | None:
        """When it ends as `expired` if it hasn't started by then."""
        return integer(self.fields.get("expiresAt"))

    @property
    def group(self) -> str | None:
        """The group of jobs that it was added to."""
        return self.fields.get("group")

    @property
    def checkpoints(self) -> Mapping[str, str]:
        """The results of finished steps of a running job, by name, as JSON."""
        prefix, stored = "checkpoint:", self.fields.items()
        return {name.removeprefix(prefix): value for name, value in stored if name.startswith(prefix)}

    @property
    def cost(self) -> Mapping[str, Any] | None:
        """What its paid requests cost, in nano-dollars: `nano`, of `calls` requests; `unknownNano`, the most
        of those whose answers never came; and `requests`, the latest one by one. None if there are none."""
        call_ids = self.fields.get("callIds", "").split()
        requests = [json_value(self.fields.get(f"call:{each}")) for each in call_ids]
        if not requests and "calls" not in self.fields:
            return None
        return {
            "nano": self._number("cost"),
            "calls": self._number("calls"),
            "unknownNano": self._number("unknownCost"),
            "requests": [each for each in requests if isinstance(each, dict)],
        }

    @property
    def wait_ms(self) -> int | None:
        """How long it waited in the queue before its last start, its own delays left out."""
        fields = self.fields  # not by way of the properties, because every attempt's wait is counted
        since = integer(fields.get("queuedAt")) or integer(fields.get("createdAt"))
        started = integer(fields.get("startedAt"))
        return started - since if started and since and started >= since else None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state in ENDED_STATES

    def _number(self, name: str, default: int = 0) -> int:
        return integer(self.fields.get(name)) or default

    def log_fields(self) -> dict[str, Any]:
        """Return the fields that every log record about the running job has."""
        return {"queue": self.queue, "jobId": self.id, "attempt": self.attempts}

    def to_dict(self) -> dict[str, Any]:
        """Return the job for output: JSON types, camelCase names, times in ISO 8601 (UTC)."""
        return {
            "queue": self.queue,
            "id": self.id,
            "state": self.state,
            "progress": self.progress,
            "stage": self.stage,
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
            "failedAttempts": [_shown(attempt) for attempt in self.failed_attempts],
            "cost": self.cost,
            "createdAt": iso(self.created_at),
            "startedAt": iso(self.started_at),
            "finishedAt": iso(self.finished_at),
            "expiresAt": iso(self.expires_at),
            "group": self.group,
        }


def _shown(attempt: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a failed attempt for output."""
    times = {name: iso(integer(str(attempt.get(name) or ""))) for name in ("startedAt", "failedAt")}
    return {**times, **{name: str(attempt.get(name) or "") for name in ("workerId", "class", "message")}}
