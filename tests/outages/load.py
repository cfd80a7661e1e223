"""The jobs of a cell, added one after the other from before the outage until after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from preppath_workers import Queue

from .table import Cell

#: Jobs that are added before the outage, and seconds between them.
_BEFORE, _PACE = 8, 0.1

#: Seconds that adding the others takes longer than the outage.
_MARGIN = 3.0

#: Seconds before a job that was not accepted is added again.
_PAUSE = 0.1


def job_ids(cell: Cell) -> list[str]:
    return [f"job-{number:03}" for number in range(cell.jobs)]


class Load(threading.Thread):
    """Adds some jobs, and, once `failing` is set, the others at an even pace, until every one is accepted. A
    job that Redis did not take, or whose answer was lost, is added again with its id."""

    def __init__(self, cell: Cell, queue: Queue) -> None:
        super().__init__(daemon=True)
        self._cell = cell
        self._queue = queue
        self.failing = threading.Event()
        self.accepted: list[str] = []

    def run(self) -> None:
        ids = job_ids(self._cell)
        before, meanwhile = ids[:_BEFORE], ids[_BEFORE:]
        self._add(before, _PACE)
        self.failing.wait()
        self._add(meanwhile, (self._cell.length + _MARGIN) / len(meanwhile))

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
        """What identifies the job in the paid request."""
        if self._cell.queue == "tts":
            return {"questionId": job_id, "text": f"Index, {job_id}."}
        answer = f"An index finds rows without reading all of them ({job_id})."
        return {"questionId": "q1", "interviewId": "i1", "userId": "u1", "answer": answer}


def paid(calls: Sequence[dict[str, Any]], ids: Sequence[str]) -> dict[str, list[float]]:
    """By job, when each request that was answered, and so paid for, was made (UNIX time)."""
    found: dict[str, list[float]] = {}
    for call in calls:
        body = str(call["body"])
        worker_id = next((job_id for job_id in ids if job_id in body), None)
        if worker_id and call["status"] == 200:
            found.setdefault(worker_id, []).append(call["startedAt"])
    return found
