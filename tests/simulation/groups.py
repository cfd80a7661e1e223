"""Groups of jobs: each end counts once, and a group ends when all of its jobs have, never before."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from preppath_workers.store.job import ENDED_STATES
from tests.integration.store.redis_state import State

#: The number of jobs in a group whose size its producers state.
SIZE = 4

Fields = Mapping[str, Any]


def group_of(number: int) -> tuple[str, int | None]:
    """Return the group of a job by its number, and the size that is stated: every other group has none."""
    group = number // SIZE
    return f"g{group}", SIZE if group % 2 == 0 else None


class Groups:
    """Counts the jobs of each group, and how often it has ended."""

    def __init__(self) -> None:
        #: The group and the last known state of each job; a completed one may be gone since.
        self._jobs: dict[str, tuple[str, str]] = {}
        self._has_ended: dict[str, bool] = {}
        self._ends: Counter[str] = Counter()

    def check(self, state: State) -> None:
        """Raise AssertionError if a group's counters or events differ from what its jobs tell."""
        for job_id, job in state["jobs"].items():
            if "group" in job:
                self._jobs[job_id] = (job["group"], job["state"])
        events = Counter(
            event["group"] for event in map(json.loads, state.get("events", [])) if "group" in event
        )
        for name, group in state["groups"].items():
            self._check_group(name, group)
            assert events[name] == self._ends[name], f"{events[name]} events of {name}: {group}"

    def _check_group(self, name: str, group: Fields) -> None:
        states = Counter(state for its_group, state in self._jobs.values() if its_group == name)
        counted = {outcome: group.get(outcome, 0) for outcome in ENDED_STATES}
        assert counted == {outcome: states[outcome] for outcome in ENDED_STATES}, f"{name}: {group}, {states}"
        assert group["jobs"] == states.total(), f"{name} has {states.total()} jobs: {group}"
        is_closed = "closed" in group or states.total() >= group.get("size", 1e9)
        has_ended = is_closed and states.total() == sum(counted.values())
        self._ends[name] += has_ended and not self._has_ended.get(name)
        self._has_ended[name] = has_ended
        assert group.get("ends", 0) == self._ends[name], f"{name} has ended {self._ends[name]} times: {group}"
