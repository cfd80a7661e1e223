"""The gate while a queue is out of service, as the ledger follows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preppath_workers.store.job import DEFAULT_PRIORITY
from tests.integration.store.invariants import waiting
from tests.integration.store.redis_state import State

from .settings import CEILING_MS

Fields = Mapping[str, Any]

#: ms before the first probe.
_FIRST_PROBE = 1_000

#: Jobs that try a service before the others wait.
_TRIED = 3


class Outage:
    """One outage: which jobs met it, when the next probe is due, and which job it may be."""

    def __init__(self, met: set[str], signature: str | None, now: int) -> None:
        #: Jobs that met it, and those that were started since.
        self.met, self.started = set(met), set[str]()
        #: The unknown error that all of them met.
        self.signature = signature
        #: How many have met it, those included that were replayed since.
        self._tried = len(met)
        self._places: dict[str, int] = {}
        self._probes = 0
        self._due = now + _FIRST_PROBE
        self._failed = 0
        #: The running probe and its fencing token.
        self._probe: tuple[str, int] | None = None

    def meet(self, job_id: str) -> None:
        """Note that the job has met this outage."""
        self._tried += job_id not in self.met
        self.met.add(job_id)

    def forget(self, job_id: str) -> None:
        """Note that the job was replayed: it has met nothing."""
        self.met.discard(job_id)
        self.started.discard(job_id)
        self._places.pop(job_id, None)

    def follow(self, before: State, state: State, now: int, move: str) -> None:
        """Raise AssertionError for a start that isn't allowed."""
        jobs = state["jobs"]
        if move == "gate":  # it may have been resumed, which makes a probe due
            self._due = min(self._due, now)
        self._end_probe(before["jobs"], jobs, now)
        for job_id, job in jobs.items():
            if job.get("fencingToken", 0) > before["jobs"].get(job_id, {}).get("fencingToken", 0):
                self._start(job_id, job, before["jobs"].get(job_id, {}), state, now)

    def _end_probe(self, before: Mapping[str, Fields], jobs: Mapping[str, Fields], now: int) -> None:
        if not self._probe:
            return
        job_id, fencing_token = self._probe
        job = jobs[job_id]
        if job["state"] == "active" and job["fencingToken"] == fencing_token:
            return
        self._probe = None
        is_released = job.get("releases", 0) > before.get(job_id, {}).get("releases", 0)
        is_delayed = job["state"] == "delayed" and not is_released  # it may wait for budget
        has_failed = is_delayed or job.get("reason") in ("retries", "out-of-service")
        if has_failed and json.loads(job["error"])["kind"] != "machine":
            self._failed += 1
            self._due = now + min(CEILING_MS, _FIRST_PROBE * 2**self._failed)
        else:
            self._due = now

    def _start(self, job_id: str, job: Fields, was: Fields, state: State, now: int) -> None:
        has_met = job_id in self.met
        is_probe = now >= self._due
        assert is_probe or (not has_met and self._tried < _TRIED), f"{job_id} probes before {self._due}"
        if has_met:
            mine = self._places.get(job_id, 0)
            for entry in waiting(state):
                assert entry in self.met, f"{job_id} probes again, {entry} has not met the outage"
                assert self._places.get(entry, 0) >= mine, f"{job_id} probes again, {entry} waits for longer"
        else:
            self._check_choice(job_id, job, was, state)
        self.meet(job_id)
        self.started.add(job_id)
        self._probes += 1
        self._places[job_id] = self._probes
        if is_probe:
            self._probe, self._due = (job_id, job["fencingToken"]), now + CEILING_MS

    def _check_choice(self, job_id: str, job: Fields, was: Fields, state: State) -> None:
        """Jobs that never failed probe first; once enough have tried, from the end and the head in turn."""
        has_failed = _has_failed(was)
        is_from_behind = self._tried >= _TRIED and self._probes % 2 == 0
        for entry in waiting(state):
            other = state["jobs"].get(entry, {})
            if entry in self.met or _has_failed(other) > has_failed:
                continue
            assert _has_failed(other) == has_failed, (
                f"{job_id} has failed and probes, {entry} has never failed"
            )
            priority = other.get("priority", DEFAULT_PRIORITY)
            ahead, behind = sorted((priority, job["priority"]), reverse=is_from_behind)
            assert (ahead, behind) == (job["priority"], priority), (
                f"{job_id} probes, and {entry} is nearer to the {'end' if is_from_behind else 'head'}"
            )


def _has_failed(job: Fields) -> bool:
    return any(job.get(counter, 0) > 0 for counter in ("failures", "excused", "outages"))
