"""A job of BullMQ as a job of ours, or the reason why it is not taken."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ...queue import NewJob, encode_data
from ...queue.new_job import DataTooLarge
from ...store.foreign_dead_letters import DeadLetter
from ...store.job_id import is_valid_id
from ...store.json_text import loads
from .old_queue import OldJob, due_ms, number

#: The least urgent priority here: BullMQ allows up to 2,097,152.
_LEAST_URGENT = 100


class NotTaken(Exception):
    """Raised for a job that is left where it is; the message is the kind of such jobs."""


@dataclass(frozen=True)
class Translator:
    """Translates jobs. `without_priority` is the priority of jobs that have none."""

    without_priority: int

    def new_job(self, job: OldJob, now: int) -> NewJob:
        """Return the job to add; `now` in ms. Raises NotTaken."""
        data = _data(job)
        delay = max(0, due_ms(job) - now) / 1000 if job.place.endswith(":delayed") else 0.0
        new = NewJob(data, new_id(job.id), self._priority(job), delay)
        try:
            new.encode()
        except ValueError as error:
            raise _not_allowed(error) from error
        return new

    def dead_letter(self, job: OldJob) -> DeadLetter:
        """Return the job for the dead-letter list. Raises NotTaken."""
        try:
            data = encode_data(_data(job))
        except ValueError as error:
            raise _not_allowed(error) from error
        message = job.fields.get("failedReason", "")
        error_class = _class_of(job.fields.get("stacktrace", ""))
        if error_class == "UnrecoverableError":
            reason = "permanent"
        else:
            reason = "worker-died" if message.startswith("job stalled") else "retries"
        return DeadLetter(
            id=new_id(job.id),
            data=data,
            priority=self._priority(job),
            reason=reason,
            error=json.dumps({"class": error_class, "message": message}, ensure_ascii=False),
            attempts=max(1, number(job, "atm", "attemptsMade")),
            created_at=number(job, "timestamp") or int(job.score),
            failed_at=number(job, "finishedOn") or int(job.score),
        )

    def _priority(self, job: OldJob) -> int:
        return min(number(job, "priority"), _LEAST_URGENT) or self.without_priority


def _not_allowed(error: ValueError) -> NotTaken:
    # Not the error's own words, which name sizes and times: there would be as many kinds as jobs.
    if isinstance(error, DataTooLarge):
        return NotTaken("data is larger than 1 MB")
    return NotTaken("data or delay is not allowed here")


def new_id(old: str) -> str:
    """Return the id here: the old one if it is allowed, else one that follows from it."""
    if is_valid_id(old):
        return old
    readable = re.sub(r"[^A-Za-z0-9._:@/+=-]", "_", old)[:80]
    return f"bullmq-{readable}-{sha256(old.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def _data(job: OldJob) -> dict[str, Any]:
    """Return the job's data. Raises NotTaken."""
    if not job.fields:
        raise NotTaken("no job of that id")
    options = _json(job.fields.get("opts", ""))
    if "rjk" in job.fields or (isinstance(options, dict) and {"repeat", "repeatJobKey"} & options.keys()):
        raise NotTaken("repeatable")
    if job.is_parent or "parentKey" in job.fields or "parent" in job.fields:
        raise NotTaken("flow")
    data = _json(job.fields.get("data", ""))
    if not isinstance(data, dict):
        raise NotTaken("data is not a JSON object")
    return data


def _json(text: str) -> Any:
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return None


def _class_of(stacktrace: str) -> str:
    """Return the error's class: the first word of the newest trace."""
    traces = _json(stacktrace)
    newest = traces[-1] if isinstance(traces, list) and traces else ""
    found = re.match(r"([A-Za-z_$][\w$]*)(?=:|\n|$)", str(newest))
    return found[1] if found else "Error"
