"""The jobs of the demo, and what was seen of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from preppath_workers.queue import Queue
from preppath_workers.store.job import Job

from .environment import Environment
from .interview import Utterance
from .screen import Row, Screen

#: Seconds between two polls.
POLL = 0.05

#: Seconds that the jobs of one act may take.
LIMIT = 180.0


class NotFinished(Exception):
    """Raised when the jobs take too long."""


@dataclass
class Span:
    """A job in one state, seconds since the start of the demo."""

    state: str
    begin: float
    end: float


@dataclass
class Task:
    """A job that works on an utterance."""

    utterance: Utterance
    queue: Queue
    id: str
    job: Job
    spans: list[Span] = field(default_factory=list)

    def look(self, job: Job, seconds: float) -> None:
        """Take over the job's present state."""
        again = job.fencing_token != self.job.fencing_token and job.state == self.job.state
        if self.spans and not self.job.is_finished:
            self.spans[-1].end = seconds
        self.job = job
        if not job.is_finished and (not self.spans or self.spans[-1].state != job.state or again):
            self.spans.append(Span(job.state, seconds, seconds))

    @property
    def starts(self) -> int:
        """How many times it has started, failures that were given back included."""
        return int(self.job.fencing_token or 0)

    def row(self) -> Row:
        job = self.job
        end = job.finished_at or time.time() * 1000
        seconds = max(0.0, end - job.started_at) / 1000 if job.started_at and job.state != "waiting" else None
        progress = 100 if job.state == "completed" else job.progress
        return Row(self.utterance.title, self.queue.name, job.state, progress, self.starts, seconds)


class Tasks:
    """All jobs, in the order in which they were added."""

    def __init__(self, environment: Environment, screen: Screen, utterances: Sequence[Utterance]) -> None:
        self._environment = environment
        self._screen = screen
        self._utterances = utterances
        self.all: list[Task] = []

    def add(self, queue_name: str, utterance: Utterance, data: Mapping[str, Any]) -> Task:
        """Enqueue a job."""
        queue = self._environment.queues[queue_name]
        job_id = queue.enqueue(data, id=f"{queue_name}-{utterance.id}").id
        task = Task(utterance, queue, job_id, Job(queue_name, job_id, {}))
        self.all.append(task)
        return task

    def of(self, queue_name: str) -> list[Task]:
        return [task for task in self.all if task.queue.name == queue_name]

    def watch(self, finished: Callable[[Task], None], meanwhile: Callable[[], Sequence[str]]) -> None:
        """Show the jobs until all have ended. Call `finished` with each that ends, and `meanwhile` at each
        poll, which returns notes to show.

        Raises ServerFailed if a server or the supervisor ends, NotFinished after LIMIT seconds.
        """
        end = time.monotonic() + LIMIT
        running = [task for task in self.all if not task.job.is_finished]
        while running or self._is_held():
            self.look()
            self._screen.show(self._rows(), meanwhile())
            for task in [task for task in running if task.job.is_finished]:
                running.remove(task)
                finished(task)
            self._environment.check()
            if time.monotonic() > end:
                raise NotFinished(f"{len(running)} jobs have not ended within {LIMIT:g} s")
            time.sleep(POLL)

    def look(self) -> None:
        """Read all jobs."""
        for name, queue in self._environment.queues.items():
            tasks = {task.id: task for task in self.of(name)}
            for job in queue.get_many(tasks):
                tasks[job.id].look(job, self._screen.seconds)

    def _is_held(self) -> bool:
        return any(queue.gate().out_of_service for queue in self._environment.queues.values())

    def _rows(self) -> list[Row]:
        latest = {task.utterance.id: task for task in self.all}
        return [latest[each.id].row() if each.id in latest else Row(each.title) for each in self._utterances]
