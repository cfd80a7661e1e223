"""A paid request under a cap, step by step."""

from __future__ import annotations

import json
from typing import Any

from redis.exceptions import RedisError

from preppath_workers.errors import JobCancelled, JobLost
from preppath_workers.store.consuming.outcome import Outcome, Released
from preppath_workers.store.consuming.running_job import RunningJob
from preppath_workers.store.job import Job

from .money import Money

#: How long a job is delayed while other reservations leave it no room (ms).
_DELAY = 300

#: Later than any run ends: a queue over its cap is held until the day does (ms).
_REST_OF_DAY = 10**8


class Payment:
    """One paid request of an attempt. Its worker takes the steps, or its ghost, after the job was lost."""

    def __init__(self, money: Money, job: Job, running_job: RunningJob) -> None:
        self._money, self._job, self._running_job = money, job, running_job
        self._id = money.new_id()
        self._worst = money.random.randrange(50, 500)
        self._steps = [self._reserve, self._open, self._send, self._close, self._store, self._settle]
        self._at = 0
        self._cost: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether every step is done."""
        return not self._steps

    def move(self) -> Outcome | None:
        """Take one step, which is taken again if it raises RedisError. Returns the attempt's outcome if it
        cannot go on. Raises JobLost and JobCancelled: the request must not be sent."""
        try:
            outcome = self._steps[0]()
        except (JobLost, JobCancelled):
            self._steps = [self._close, self._store, self._settle]
            raise
        self._steps = [] if outcome else self._steps[1:]
        return outcome

    def go_on(self, chance: float = 0.9) -> None:
        """Take the other steps, each with this chance: as a worker does that wakes up after its lease."""
        while self._steps and self._money.random.random() < chance:
            try:
                self.move()
            except (JobLost, JobCancelled):
                self._money.say(f"{self._id}: lost")
            except RedisError as error:
                self._money.say(f"{self._id}: {error}")

    def _reserve(self) -> Outcome | None:
        money, job = self._money, self._job
        held = ("sim", job.id, job.fencing_token)
        answer = money.budget("reserve", self._id, self._worst, *held, "all", money.cap, "", "", "")
        if answer[0] == "over":
            return Released(_REST_OF_DAY, "budget", lacking=str(self._worst))
        if answer[0] == "wait":
            return Released(reason="budget", delay_ms=_DELAY)
        self._at = int(answer[1])
        return None

    def _open(self) -> None:
        call = {"id": self._id, "kind": "open", "model": "m", "worst": self._worst, "job": self._job.id}
        self._running_job.open_call(self._job, self._id, json.dumps(call), str(self._at))

    def _send(self) -> None:
        if self._money.random.random() < 0.8:
            self._cost = self._money.random.randrange(1, self._worst + 1)
            self._money.charged[self._id] = self._cost
            self._money.say(f"{self._id} costs {self._cost}")
        self._money.sent.add(self._id)

    def _close(self) -> None:
        call: dict[str, Any] = {"id": self._id, "model": "m", "at": self._at, "job": self._job.id}
        call |= {"kind": "void"} if self._cost is None else {"kind": "actual", "nano": self._cost}
        self._running_job.close_call(self._job, json.dumps(call), store=False)
        if self._money.random.random() < 0.3:  # the settlement stores it, and a janitor settles the budget
            self._steps = self._steps[:1]

    def _store(self) -> None:
        if self._money.random.random() < 0.5:
            self._running_job.store_calls(self._job)
            return
        try:
            self._running_job.checkpoint(self._job, "paid", "{}")
        except (JobLost, JobCancelled):
            self._money.say(f"{self._id}: lost, and stored")

    def _settle(self) -> None:
        cost = "void" if self._cost is None else self._cost
        for _ in range(self._money.random.choice([1, 1, 2])):
            self._money.budget("settle_reservations", self._id, cost)
