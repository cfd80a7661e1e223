"""Whether users take turns: how often each user is served while another's first job waits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

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

    def check(self, before: State, state: State) -> None:
        """Raise AssertionError if a user is served again and again while another one waits."""
        jobs, earlier = state["jobs"], before["jobs"]
        # A job's turn is when a slot takes it; it may start later, when there is a token.
        taken = [
            earlier[job_id]
            for job_id in {*before.get("wait", [])} - {*state.get("wait", [])}
            if "turn" in earlier.get(job_id, {})  # a job that goes back starts first
            and jobs.get(job_id, {}).get("state") not in ("cancelled", "expired")
        ]
        is_closed = "outOfService" in before.get("gate", {})  # a probe may be any job
        following = _next_of_each_user(state)
        for job_id in self._overtaken.keys() - following:
            del self._overtaken[job_id]
        for job_id in following:
            waiting = jobs[job_id]
            overtaken = self._overtaken.setdefault(job_id, Counter())
            for job in taken:
                if job["priority"] == waiting["priority"] and not is_closed:
                    overtaken[_user(job)] += 1
            user, times = next(iter(overtaken.most_common(1)), ("", 0))
            assert times <= _MOST, f"{times} jobs of {user} were taken while {job_id} waited"


def _next_of_each_user(state: State) -> set[str]:
    found: dict[tuple[int, str], str] = {}
    for entry in state.get("wait", [])[::-1]:
        job = state["jobs"].get(entry)
        if job and "turn" in job:
            found.setdefault((job["priority"], _user(job)), entry)
    return {*found.values()}


def _user(job: Fields) -> str:
    found = re.search(r'"user":"(\w+)"', job["data"])
    return found[1] if found else ""
