"""The invariants, checked on each snapshot of a queue and the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preppath_workers.store.job import DEFAULT_PRIORITY
from tests.integration.store import invariants
from tests.integration.store.invariants import waiting
from tests.integration.store.redis_state import State, counted_completions

from .fairness import Fairness
from .groups import Groups
from .ledger import Ledger
from .money import Money
from .settings import LISTED, RECOVERIES, RETRIES, Settings

Fields = Mapping[str, Any]

#: Fields that count what has happened to a job, and never fall but by a replay. The ledger has the failures.
_COUNTERS = ("recoveries", "releases")


class Invariants:
    """Watches one run."""

    def __init__(self, settings: Settings, money: Money | None = None) -> None:
        self._money = money
        self._limit = settings.limit
        self._before: State = {"jobs": {}}
        self._ledger = Ledger()
        self._fairness = Fairness() if settings.is_fair else None
        self._groups = Groups() if settings.has_groups else None
        #: Completed jobs that fell off the list.
        self.fallen: set[str] = set()
        #: Every start, ms, as the limiter's tokens tell it.
        self._starts: dict[str, int] = {}

    def check(self, state: State, now: int, move: str) -> None:
        """Raise AssertionError for a broken invariant; `move` is what was done since the last picture."""
        invariants.check(state)
        self._one_owner(state)
        self._rate(state, now)
        self._bounds(state, now)
        for job_id, job in state["jobs"].items():
            self._limits(job_id, job)
            self._history(job_id, job, self._before["jobs"].get(job_id, {}), state, now, move)
        for job_id in self._before["jobs"].keys() - state["jobs"].keys():
            fell_off = self._before["jobs"][job_id]["state"] == "completed"
            assert move == "purge" or fell_off, f"{job_id} is gone"
            self.fallen |= {job_id} if fell_off else set()
        self._counts(state)
        if move != "drain":  # several moves lie between two pictures
            self._ledger.check(self._before, state, now, move)
        if self._groups:
            self._groups.check(state)
        if self._money:
            self._money.check(state)
        if self._fairness:
            self._fairness.check(self._before, state, move)
        self._before = state

    def _one_owner(self, state: State) -> None:
        worker_ids = {job["workerId"] for job in state["jobs"].values() if job["state"] == "active"}
        active = sum(job["state"] == "active" for job in state["jobs"].values())
        assert len(worker_ids) == active, "a slot runs two jobs"
        for worker_id in state["active"]:
            instance, number = worker_id.rsplit(":", 1)
            slots = state["instance"].get(instance, {}).get("slots", 0)
            # A pop of a stopped instance may come late; the claim after it registers it again.
            assert int(number) < slots or all(
                state["jobs"].get(entry, {}).get("state") != "active" for entry in state["active"][worker_id]
            ), f"{worker_id} runs a job, and no janitor will look there"

    def _rate(self, state: State, now: int) -> None:
        if not self._limit:
            return
        most, duration = self._limit
        self._starts.update(state.get("tokens", {}))
        times = sorted(self._starts.values())
        for first, last in zip(times, times[most:], strict=False):
            assert last - first >= duration, f"{most + 1} starts from {first} to {last}"
        for member, at in state.get("tokens", {}).items():
            assert at <= now, f"token {member} was spent in the future"
        for worker_id in state.get("reservations", {}):
            assert worker_id in state["active"], f"{worker_id} has a reservation and an empty active list"

    def _bounds(self, state: State, now: int) -> None:
        assert len(state.get("completed", [])) <= LISTED, "too many completions are listed"
        if self._limit:
            old = [at for at in state.get("tokens", {}).values() if at <= now - 20 * self._limit[1]]
            assert len(old) <= self._limit[0], "spent tokens pile up"

    def _history(self, job_id: str, job: Fields, before: Fields, state: State, now: int, move: str) -> None:
        was, now_is = before.get("state"), job["state"]
        started = job.get("fencingToken", 0) - before.get("fencingToken", 0)
        replayed = job.get("replays", 0) > before.get("replays", 0)
        if move == "drain":  # several moves lie between two pictures
            assert started >= 0, f"the fencing number of {job_id} fell"
            return
        assert started in (0, 1), f"{job_id} started {started} times in one move"
        for name in _COUNTERS:
            grown = job.get(name, 0) - before.get(name, 0)
            assert grown in (0, 1) or (replayed and name != "releases"), f"{name} of {job_id} grew by {grown}"
        released = job.get("releases", 0) - before.get("releases", 0)
        excused = job.get("excused", 0) - before.get("excused", 0)
        expected = max(0, before.get("attempts", 0) + started - released - excused)
        assert replayed or job.get("attempts", 0) == expected, f"attempts of {job_id}: {job}, before {before}"
        if started and "outOfService" not in state.get("gate", {}):  # a probe may be any job
            urgent = [entry for entry in waiting(state) if _priority(entry, state) < job["priority"]]
            assert not urgent, f"{job_id} started before {urgent[-1]}"
        if started and self._limit:
            token = f"{job_id}#{job['fencingToken']}#{now}"
            assert token in state.get("tokens", {}), f"{job_id} started without a token"
        if was == "delayed" and now_is == "waiting" and move != "promote_job":
            due = self._before["delayed"][job_id]
            assert int(float(due)) <= now, f"{job_id} is due at {due}, it moved at {now}"
        if was == "waiting" and now_is == "delayed":
            raise AssertionError(f"{job_id} was waiting and is delayed")
        _expiry(job_id, job, started, now)
        _cancellation(job_id, job, before, state)
        if was in ("completed", "cancelled", "expired"):
            assert now_is == was, f"{job_id} was {was} and is {now_is}"
        if was == "failed" and now_is != "failed":
            assert replayed, f"{job_id} left the dead-letter list by itself"
            assert job.get("recoveries", 0) == 0, f"{job_id} is not fresh"

    def _limits(self, job_id: str, job: Fields) -> None:
        state = job["state"]
        assert job.get("failures", 0) <= RETRIES + 1, f"{job_id} failed too often"
        assert job.get("recoveries", 0) <= RECOVERIES + 1, f"{job_id} was recovered too often"
        if state == "delayed":
            assert job.get("failures", 0) <= RETRIES, f"{job_id} is retried too often"
        match job.get("reason") if state == "failed" else None:
            case "worker-died":
                assert job["recoveries"] == RECOVERIES + 1, f"{job_id} died with recoveries left"

    def _counts(self, state: State) -> None:
        counted, jobs = state.get("stats", {}), state["jobs"].values()
        assert counted_completions(state.get("durations", {})) == len(self.fallen) + sum(
            job["state"] == "completed" for job in jobs
        )
        assert counted.get("enqueued", 0) == len(self.fallen) + len(jobs)


def _expiry(job_id: str, job: Fields, started: int, now: int) -> None:
    if "expiresAt" not in job:
        return
    if job["state"] == "expired":
        assert job["expiresAt"] <= now, f"{job_id} has expired too early"
        assert job["fencingToken"] == 0, f"{job_id} has expired after it had started"
    elif started and job["fencingToken"] == 1:
        assert job["expiresAt"] > now, f"{job_id} started although it has expired"


def _cancellation(job_id: str, job: Fields, before: Fields, state: State) -> None:
    if job["state"] == "active" and "cancelRequestedAt" in job:
        instance, slot = job["workerId"].rsplit(":", 1)
        announced = state["cancels"].get(instance, {}).get(slot)
        assert announced == job_id or instance not in state["instance"], (
            f"no instance is notified that {job_id} is cancelled"
        )
    if before.get("state") == "active" and "cancelRequestedAt" in before:
        assert job["state"] in ("active", "cancelled", "completed"), f"{job_id}, cancelled, is {job['state']}"
        assert job["fencingToken"] == before["fencingToken"], f"{job_id} was cancelled and started again"
        for effect in ("checkpoint:step", "requests", "progress"):
            is_same = job.get(effect) == before.get(effect)
            assert is_same or job["state"] == "completed", f"{job_id} was cancelled and has a new {effect}"


def _priority(entry: str, state: State) -> int:
    """What a waiting entry is placed by: a raw push has no hash yet."""
    priority: int = state["jobs"].get(entry, {}).get("priority", DEFAULT_PRIORITY)
    return priority
