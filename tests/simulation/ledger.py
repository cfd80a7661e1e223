"""Whose failures they were: a second opinion on what counts, on the gate, and on who may probe.

It reads what each attempt ended with from the job's stored error, and keeps its own account from that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.integration.store.redis_state import State

from .settings import CEILING_MS, PATIENCE_MS, RETRIES

Fields = Mapping[str, Any]

#: ms before the first probe.
_FIRST_PROBE = 1_000

#: Jobs that try a service before the others wait; jobs whose failures close the queue; the same when all of
#: them met an outage that another job ended; the same for one and the same unknown error.
_TRIED, _STREAK, _SUSPECTS, _ALIKE = 3, 3, 10, 5


class Ledger:
    """Follows one queue from move to move."""

    def __init__(self) -> None:
        #: Failures that count, by job, and when each began to fail.
        self._counted: dict[str, int] = {}
        self._failing_since: dict[str, int] = {}
        #: Jobs that ever met an outage and were not replayed since.
        self._marked: set[str] = set()
        self._end_streak()
        self._outage: Outage | None = None

    def check(self, before: State, state: State, now: int, move: str) -> None:
        """Raises AssertionError for what one move may not have done. One move settles one job at most, and
        starts one at most, in this order."""
        jobs = state["jobs"]
        was_closed = self._outage is not None
        if move == "replay":
            self._forget_replayed(before["jobs"], jobs)
        settled = [
            (job_id, job)
            for job_id, job in jobs.items()
            if before["jobs"].get(job_id, {}).get("state") == "active" and job["state"] != "active"
        ]
        must_be_closed = was_closed
        for job_id, job in settled:
            if job["state"] == "completed":
                must_be_closed = self._complete(job_id)
            elif job["state"] == "delayed" or job.get("reason") not in (None, "worker-died"):
                self._check_patience(job_id, job, now)
                must_be_closed = self._fail(job_id, before, job, now)
        is_closed = "outOfService" in state.get("gate", {})
        assert is_closed == must_be_closed, (
            f"the queue is {'closed' if is_closed else 'open'}, after {settled}"
        )
        if self._outage:
            self._outage.follow(before, state, now, move)
            self._marked |= self._outage.met
        for job_id, job in jobs.items():
            counted = self._counted.get(job_id, 0)
            assert job.get("failures", 0) == counted, f"{job_id} has {counted} failures of its own: {job}"

    def _end_streak(self) -> None:
        self._streak: dict[str, int] = {}
        self._suspects: set[str] = set()
        self._alike: dict[str, int] = {}
        self._words = ""

    def _forget_replayed(self, before: Mapping[str, Fields], jobs: Mapping[str, Fields]) -> None:
        for job_id, job in jobs.items():
            if job.get("replays", 0) > before.get(job_id, {}).get("replays", 0):
                self._counted.pop(job_id, None)
                self._failing_since.pop(job_id, None)
                self._marked.discard(job_id)
                if self._outage:
                    self._outage.forget(job_id)

    def _complete(self, job_id: str) -> bool:
        """Whether the queue is closed after the completion."""
        self._end_streak()
        if self._outage and job_id in self._outage.started:
            self._outage = None
        return self._outage is not None

    def _check_patience(self, job_id: str, job: Fields, now: int) -> None:
        since = self._failing_since.setdefault(job_id, now)
        if job.get("reason") in ("out-of-service", "machine"):
            assert now - since > PATIENCE_MS, f"{job_id} was given up after {now - since} ms"
        elif job["state"] == "failed" and json.loads(job["error"])["kind"] not in ("invalid", "permanent"):
            counted = self._counted.get(job_id, 0)
            assert counted == RETRIES, f"{job_id} died with {counted} failures of its own"

    def _fail(self, job_id: str, before: State, job: Fields, now: int) -> bool:
        """Whether the queue is closed after the failure."""
        error = json.loads(job["error"])
        kind, words = error["kind"], error["message"]
        if kind in ("machine", "invalid", "permanent"):
            self._counted[job_id] = self._counted.get(job_id, 0) + (kind != "machine")
            return self._outage is not None
        if self._outage:
            if kind == "paid" or (kind == "unknown" and words != self._outage.signature):
                self._counted[job_id] = self._counted.get(job_id, 0) + 1
            else:
                self._outage.met.add(job_id)
            return True
        is_last = self._counted.get(job_id, 0) >= RETRIES
        self._counted[job_id] = self._counted.get(job_id, 0) + 1
        excused = self._lengthen(job_id, kind, words, is_last)
        if excused is None:
            return False
        for other, failures in excused.items():
            self._counted[other] = max(0, self._counted.get(other, 0) - failures)
        self._outage = Outage({*excused}, words if kind == "unknown" else None, now)
        self._end_streak()
        return True

    def _lengthen(self, job_id: str, kind: str, words: str, is_last: bool) -> dict[str, int] | None:
        """The failures to give back when this one closes the queue."""
        if kind == "unknown":
            if words != self._words:
                self._alike, self._words = {}, words
            self._alike[job_id] = self._alike.get(job_id, 0) + 1
            return self._alike if len(self._alike) >= _ALIKE else None
        self._alike, self._words = {}, ""
        self._streak[job_id] = self._streak.get(job_id, 0) + (kind != "paid")
        is_suspect = job_id in self._marked
        if is_suspect:
            self._suspects.add(job_id)
        closes = (
            len(self._streak) - len(self._suspects) >= _STREAK
            or len(self._streak) >= _SUSPECTS
            or (not is_suspect and (kind == "refused" or is_last))
        )
        return self._streak if closes else None


class Outage:
    """The gate while the queue is out of service."""

    def __init__(self, met: set[str], signature: str | None, now: int) -> None:
        #: Jobs that met it, and those that were started since.
        self.met, self.started = met, set[str]()
        #: The one unknown error that all of them met.
        self.signature = signature
        self._places: dict[str, int] = {}
        self._due = now + _FIRST_PROBE
        self._failed = 0
        #: The probe that runs, and its fencing token.
        self._probe: tuple[str, int] | None = None

    def forget(self, job_id: str) -> None:
        """The job was replayed: it has met nothing."""
        self.met.discard(job_id)
        self.started.discard(job_id)
        self._places.pop(job_id, None)

    def follow(self, before: State, state: State, now: int, move: str) -> None:
        """Raises AssertionError for a start that may not have been."""
        jobs = state["jobs"]
        if move == "gate":  # somebody may have asked for a probe at once
            self._due = min(self._due, now)
        self._end_probe(jobs, now)
        for job_id, job in jobs.items():
            if job.get("fencingToken", 0) > before["jobs"].get(job_id, {}).get("fencingToken", 0):
                self._start(job_id, job, state, now)

    def _end_probe(self, jobs: Mapping[str, Fields], now: int) -> None:
        if not self._probe:
            return
        job_id, fencing_token = self._probe
        job = jobs[job_id]
        if job["state"] == "active" and job["fencingToken"] == fencing_token:
            return
        self._probe = None
        has_failed = job["state"] == "delayed" or job.get("reason") in ("retries", "out-of-service")
        if has_failed and json.loads(job["error"])["kind"] != "machine":
            self._failed += 1
            self._due = now + min(CEILING_MS, _FIRST_PROBE * 2**self._failed)
        else:
            self._due = now

    def _start(self, job_id: str, job: Fields, state: State, now: int) -> None:
        has_met = job_id in self.met
        is_probe = now >= self._due
        assert is_probe or (not has_met and len(self.met) < _TRIED), f"{job_id} probes before {self._due}"
        if has_met:
            mine = self._places.get(job_id, 0)
            for entry in state.get("wait", []):
                assert entry in self.met, f"{job_id} probes again, {entry} has not met the outage"
                assert self._places.get(entry, 0) >= mine, f"{job_id} probes again, {entry} waits for longer"
        self.met.add(job_id)
        self.started.add(job_id)
        self._places[job_id] = 1 + max(self._places.values(), default=0)
        if is_probe:
            self._probe, self._due = (job_id, job["fencingToken"]), now + CEILING_MS
