"""The jobs of a case, added one by one from before the outage until after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from preppath_workers import Queue

from .table import Case

#: Jobs that are added before the outage, and seconds between them.
_BEFORE, _PACE = 8, 0.1

#: Seconds after the end of the outage at which the last job is added.
_MARGIN = 3.0

#: Seconds before a job that Redis did not accept is added again.
_PAUSE = 0.1


def job_ids(case: Case) -> list[str]:
    return [f"job-{number:03}" for number in range(case.jobs)]


class Load(threading.Thread):
    """Adds some jobs and, once `failing` is set, the others at an even pace. A job that Redis did not accept,
    or whose answer was lost, is added again with the same id."""

    def __init__(self, case: Case, queue: Queue) -> None:
        super().__init__(daemon=True)
        self._case = case
        self._queue = queue
        self.failing = threading.Event()
        self.accepted: list[str] = []

    def run(self) -> None:
        ids = job_ids(self._case)
        before, meanwhile = ids[:_BEFORE], ids[_BEFORE:]
        self._add(before, _PACE)
        self.failing.wait()
        self._add(meanwhile, (self._case.length + _MARGIN) / len(meanwhile))

    def _add(self, ids: Sequence[str], pace: float) -> None:
        began = time.monotonic()
        for number, job_id in enumerate(ids, 1):
            self._insist(job_id)
            self.accepted.append(job_id)
            time.sleep(max(0.0, began + number * pace - time.monotonic()))

    def _insist(self, job_id: str) -> None:
        while True:
            try:
                self._queue.enqueue(self._data(job_id), id=job_id)
            except RedisError:
                time.sleep(_PAUSE)
            else:
                return

    def _data(self, job_id: str) -> dict[str, Any]:
        """Return data by which `paid` recognizes the job in its paid request."""
        if self._case.queue == "tts":
            return {"questionId": job_id, "text": f"Index, {job_id}."}
        answer = f"An index finds rows without reading all of them ({job_id})."
        return {"questionId": "q1", "interviewId": "i1", "userId": "u1", "answer": answer}


def paid(calls: Sequence[dict[str, Any]], ids: Sequence[str]) -> dict[str, list[float]]:
    """Return by job when each request that was answered, and so paid for, was made (UNIX time)."""
    found: dict[str, list[float]] = {}
    for call in calls:
        body = str(call["body"])
        found_id = next((job_id for job_id in ids if job_id in body), None)
        if found_id and call["status"] == 200:
            found.setdefault(found_id, []).append(call["startedAt"])
    return found
