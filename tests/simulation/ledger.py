"""Whose failures they were: a second opinion on what counts, on the gate, and on who may probe.

It reads what each attempt ended with from the job's stored error, and keeps its own account from that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.integration.store.redis_state import State

from .outage import Outage
from .pardons import Pardons
from .settings import PATIENCE_MS, RETRIES

Fields = Mapping[str, Any]

#: Different jobs whose failures close the queue; the same if some of them met an outage before;
#: different jobs that met the same unknown error.
_STREAK, _SUSPECTS, _ALIKE = 3, 10, 5

#: Outages after which a job no longer helps to close the queue.
_MOST_OUTAGES = 5


class Ledger:
    """Follows one queue from move to move."""

    def __init__(self) -> None:
        #: Failures that count and those that do not, by job, and when each began to fail.
        self._counted: dict[str, int] = {}
        self._excused: dict[str, int] = {}
        self._failing_since: dict[str, int] = {}
        #: How many outages a job has met, and was not replayed since.
        self._outages: dict[str, int] = {}
        self._pardons = Pardons()
        self._end_streak()
        self._outage: Outage | None = None

    def check(self, before: State, state: State, now: int, move: str) -> None:
        """Raise AssertionError for what one move may not do.

        One move settles one job at most, and starts one at most, in this order.
        """
        jobs = state["jobs"]
        if move == "replay":
            self._forget_replayed(before["jobs"], jobs)
        settled = [
            (job_id, job)
            for job_id, job in jobs.items()
            if before["jobs"].get(job_id, {}).get("state") == "active" and job["state"] != "active"
        ]
        for job_id, job in settled:
            if job["state"] == "completed":
                self._complete(job_id)
            elif job.get("releases", 0) > before["jobs"][job_id].get("releases", 0):
                continue  # it waits for budget
            elif job["state"] == "delayed" or job.get("reason") not in (None, "worker-died"):
                self._check_patience(job_id, job, now)
                self._fail(job_id, job, now)
        is_closed = "outOfService" in state.get("gate", {})
        assert is_closed == bool(self._outage), (
            f"the queue is {'closed' if is_closed else 'open'}, after {settled}"
        )
        if self._outage:
            had_met = {*self._outage.met}
            self._outage.follow(before, state, now, move)
            for job_id in self._outage.met - had_met:
                self._note_outage(job_id)
        for job_id, job in jobs.items():
            counted, excused = self._counted.get(job_id, 0), self._excused.get(job_id, 0)
            assert job.get("failures", 0) == counted, f"{job_id} has {counted} failures of its own: {job}"
            assert job.get("excused", 0) == excused, f"{job_id} has {excused} excused failures: {job}"

    def _end_streak(self) -> None:
        #: Failures to give back if the queue closes, by job.
        self._streak: dict[str, int] = {}
        self._alike: dict[str, int] = {}
        #: Jobs that have failed after an outage.
        self._suspects: set[str] = set()
        self._words = ""

    def _forget_replayed(self, before: Mapping[str, Fields], jobs: Mapping[str, Fields]) -> None:
        for job_id, job in jobs.items():
            if job.get("replays", 0) > before.get(job_id, {}).get("replays", 0):
                for account in (self._counted, self._excused, self._failing_since, self._outages):
                    account.pop(job_id, None)
                self._pardons.forget(job_id)
                for streak in (self._streak, self._alike):
                    if job_id in streak:
                        streak[job_id] = 0
                if self._outage:
                    self._outage.forget(job_id)

    def _complete(self, job_id: str) -> None:
        self._end_streak()
        self._pardons.completed()
        if self._outage and job_id in self._outage.started:
            self._outage = None

    def _check_patience(self, job_id: str, job: Fields, now: int) -> None:
        since = self._failing_since.setdefault(job_id, now)
        if job.get("reason") in ("out-of-service", "machine"):
            assert now - since > PATIENCE_MS, f"{job_id} was given up after {now - since} ms"
        elif job["state"] == "failed" and json.loads(job["error"])["kind"] not in ("invalid", "permanent"):
            counted = self._counted.get(job_id, 0)
            assert counted == RETRIES, f"{job_id} died with {counted} failures of its own"

    def _fail(self, job_id: str, job: Fields, now: int) -> None:
        error = json.loads(job["error"])
        counts = self._judge(job_id, error["kind"], error["message"], now)
        account = self._counted if counts else self._excused
        account[job_id] = account.get(job_id, 0) + 1
        if job["state"] == "delayed":
            self._pardons.retried(job_id)

    def _judge(self, job_id: str, kind: str, words: str, now: int) -> bool:
        """Return whether the failure counts."""
        if kind in ("machine", "invalid", "permanent"):
            return kind != "machine"
        if self._outage:
            if kind == "paid" or (kind == "unknown" and words != self._outage.signature):
                return True
            if job_id not in self._outage.met:
                self._outage.meet(job_id)
                self._note_outage(job_id)
            return False
        counted = self._counted.get(job_id, 0)
        if self._outages.get(job_id, 0) < _MOST_OUTAGES:
            excused = self._lengthen(job_id, kind, words, counted >= RETRIES)
            if excused is not None:
                self._close(excused, words if kind == "unknown" else None, now)
                return kind == "paid"
        return kind not in ("service", "refused") or not self._pardon(job_id)

    def _pardon(self, job_id: str) -> bool:
        """Return whether the failure of a service is pardoned."""
        counted = self._counted.get(job_id, 0)
        if counted >= RETRIES and self._pardons.ask(job_id):
            if job_id in self._streak:
                self._streak[job_id] -= 1
            return True
        if counted == 0:
            self._pardons.begin(job_id)
        return False

    def _close(self, excused: Mapping[str, int], signature: str | None, now: int) -> None:
        for job_id, failures in excused.items():
            self._counted[job_id] = self._counted.get(job_id, 0) - failures
            self._excused[job_id] = self._excused.get(job_id, 0) + failures
            self._note_outage(job_id)
        self._outage = Outage({*excused}, signature, now)
        self._end_streak()

    def _note_outage(self, job_id: str) -> None:
        self._outages[job_id] = self._outages.get(job_id, 0) + 1
        self._pardons.begin(job_id)

    def _lengthen(self, job_id: str, kind: str, words: str, is_last: bool) -> Mapping[str, int] | None:
        """Return the counted failures to give back if this one closes the queue."""
        is_suspect = job_id in self._outages
        if is_suspect:
            self._suspects.add(job_id)
        if kind == "unknown":
            if words != self._words:
                self._alike, self._words = {}, words
            self._alike.setdefault(job_id, 0)
            if self._are_enough(self._alike, _ALIKE):
                return self._alike
            self._alike[job_id] += 1
            return None
        self._alike, self._words = {}, ""
        self._streak.setdefault(job_id, 0)
        may_close_alone = kind == "refused" or (is_last and kind != "paid")
        if self._are_enough(self._streak, _STREAK) or (not is_suspect and may_close_alone):
            return self._streak
        self._streak[job_id] += kind != "paid"
        return None

    def _are_enough(self, jobs: Mapping[str, int], enough: int) -> bool:
        return len(jobs.keys() - self._suspects) >= enough or len(jobs) >= _SUSPECTS
