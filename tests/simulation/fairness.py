"""Whether users take turns: how often each user is served while another's first job waits, and where a user's
next job is placed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from tests.integration.store.invariants import turn_of, waiting
from tests.integration.store.redis_state import State

Fields = Mapping[str, Any]

#: Jobs of one user that may be taken while the next job of another waits: one in the round being served,
#: which a user without waiting jobs may have joined last, and one in the round after it.
_MOST = 2


class Fairness:
    """Counts the jobs that are taken while each user's next one waits."""

    def __init__(self) -> None:
        #: For the next job of each user in `wait`, how many of each other user have started meanwhile.
        self._overtaken: dict[str, Counter[str]] = {}
        #: For each job that was once in the first round of its priority, those placed in front of it since.
        self._placed_ahead: dict[str, set[str]] = {}

    def check(self, before: State, state: State, move: str) -> None:
        """Raise AssertionError if a user is served again and again while another one waits, or if a job is
        placed too early or too late."""
        self._check_taken(before, state)
        _check_turns(state)
        # A probe may be any job, and a drain is several moves.
        if move == "drain" or "outOfService" in before.get("gate", {}):
            return
        for job_id in self._placed_ahead.keys() - {*waiting(state)}:
            del self._placed_ahead[job_id]
        for rounds in _rounds(state).values():
            self._check_placed(rounds, {*waiting(before)}, state)

    def _check_placed(self, rounds: Mapping[str, int], known: set[str], state: State) -> None:
        """`rounds`: those of the waiting jobs of one priority, in the order in which they will start."""
        jobs, first = state["jobs"], min(rounds.values())
        users = Counter(_user(jobs[job_id]) for job_id in rounds)
        # A slot that waits for a token may hold a job of an earlier round, which others may then still join.
        reserves = any(
            jobs.get(entry, {}).get("state") == "waiting" for ids in state["active"].values() for entry in ids
        )
        ahead: set[str] = set()
        served: Counter[str] = Counter()
        for job_id in rounds:
            user = _user(jobs[job_id])
            if rounds[job_id] == first:
                self._placed_ahead.setdefault(job_id, set())
            if job_id in known and job_id in self._placed_ahead:
                self._placed_ahead[job_id] |= ahead
                overtaking = self._placed_ahead[job_id]
                assert len(overtaking) <= 1, f"{overtaking} were placed in front of {job_id}"
            if job_id not in known:
                if not reserves:
                    ahead.add(job_id)
                most = max(served.values(), default=0)
                assert users[user] > 1 or most <= _MOST, f"{job_id}, {user}'s only job, is behind {served}"
            served[user] += 1

    def _check_taken(self, before: State, state: State) -> None:
        jobs, earlier = state["jobs"], before["jobs"]
        # A job's turn is when a slot takes it; it may start later, when there is a token.
        taken = [
            earlier[job_id]
            for job_id in {*waiting(before)} - {*waiting(state)}
            if "turn" in earlier.get(job_id, {})  # a job that goes back starts first
            and jobs.get(job_id, {}).get("state") not in ("cancelled", "expired")
        ]
        is_closed = "outOfService" in before.get("gate", {})  # a probe may be any job
        following, known = _next_of_each_user(state), {*self._overtaken}
        for job_id in self._overtaken.keys() - following:
            del self._overtaken[job_id]
        for job_id in following - self._overtaken.keys():
            self._overtaken[job_id] = Counter()  # those taken in this step were taken before it was the next
        for job_id in following & known:
            next_job = jobs[job_id]
            overtaken = self._overtaken[job_id]
            for job in taken:
                if job["priority"] == next_job["priority"] and not is_closed:
                    overtaken[_user(job)] += 1
            user, times = next(iter(overtaken.most_common(1)), ("", 0))
            assert times <= _MOST, f"{times} jobs of {user} were taken while {job_id} waited"


def _check_turns(state: State) -> None:
    """Raise AssertionError if a user's next job would get a round that no job of the user accounts for: those
    of cancelled jobs are given back."""
    first = {priority: min(rounds.values()) for priority, rounds in _rounds(state).items()}
    last: Counter[tuple[int, str]] = Counter()
    for job in state["jobs"].values():
        if "turn" in job and job["state"] not in ("cancelled", "expired"):
            place = job["priority"], _user(job)
            last[place] = max(last[place], turn_of(job)[0])
    for member, score in state.get("turns", {}).items():
        priority, _, user = member.partition(" ")
        if user and int(priority) in first:  # the others are cleared when a job of that priority comes
            # A job that went back, or has expired, accounts for a round near the first: the one after it, or
            # the next if others joined an earlier round while a slot had reserved such a job (seed 2008).
            most = max(last[int(priority), user], first[int(priority)] + 2)
            number = round(float(score) % 1 * 1e12)
            assert number <= most, f"{user} has turns up to round {number}, not {most}"


def _rounds(state: State) -> Mapping[int, Mapping[str, int]]:
    """Return the round of each waiting job that has a turn, in the order in which they will start, by
    priority."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for entry in waiting(state)[::-1]:
        job = state["jobs"].get(entry)
        if job and "turn" in job:
            found[job["priority"]][entry] = turn_of(job)[0]
    return found


def _next_of_each_user(state: State) -> set[str]:
    found: dict[tuple[int, str], str] = {}
    for entry in waiting(state)[::-1]:
        job = state["jobs"].get(entry)
        if job and "turn" in job:
            found.setdefault((job["priority"], _user(job)), entry)
    return {*found.values()}


def _user(job: Fields) -> str:
    found = re.search(r'"user":"(\w+)"', job["data"])
    return found[1] if found else ""
