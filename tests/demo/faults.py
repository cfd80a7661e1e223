"""What goes wrong in the demo on purpose: a worker is killed, and OpenAI is away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from preppath_workers.cli.local_processes import local_workers
from preppath_workers.store.reading.reader import Gate
from tests.support.process import Server
from tests.support.waiting import eventually

from .tasks import Task, Tasks

#: Tells of an event, with a style; returns the time, in seconds since the start of the demo.
Tell = Callable[[str, str], float]

#: Milliseconds that a job must have run before its worker is killed, so that both can be seen.
_RUN_BEFORE_KILL = 200


class Kill:
    """Kills one worker with SIGKILL in the middle of a job, once one of the jobs has completed."""

    def __init__(self, supervisor: int, tasks: Tasks, tell: Tell) -> None:
        self._supervisor = supervisor
        self._tasks = tasks
        self._tell = tell
        #: The job whose worker was killed, when, and how long it took to run again.
        self.task: Task | None = None
        self.seconds = self.ms = 0.0

    def __call__(self) -> None:
        """Kill a worker if the moment has come, and wait until its job runs again."""
        tasks = self._tasks.of("transcription")
        if self.task is None and any(task.job.state == "completed" for task in tasks):
            self.task = next(filter(_is_in_the_middle, tasks), None)
            if self.task:
                self._kill(self.task)

    def _kill(self, task: Task) -> None:
        slot = int(task.job.worker_id.rpartition(":")[2])
        pid = local_workers()[self._supervisor, task.queue.name, slot].pid
        starts = task.starts
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        self.seconds = self._tell(
            f"kill -9 {pid}: the worker that was transcribing {task.utterance.title}", "bold red"
        )

        def runs_again() -> bool:
            self._tasks.look()
            return task.starts > starts and task.job.state != "waiting"

        eventually(runs_again, every=0.001)
        self.ms = (time.monotonic() - began) * 1000
        self._tell(f"its job runs again in a new worker, {self.ms:.0f} ms later", "bold green")


def _is_in_the_middle(task: Task) -> bool:
    started = task.job.started_at or 0
    is_long = task.utterance.kind != "question"
    return task.job.state == "active" and is_long and time.time() * 1000 - started > _RUN_BEFORE_KILL


class Outage:
    """OpenAI is away: its server is killed, and started again after some seconds."""

    def __init__(self, server: Server, seconds: float, tasks: Tasks, tell: Tell) -> None:
        self._server = server
        self._seconds = seconds
        self._tasks = tasks
        self._tell = tell
        self._gate = Gate()
        self._starts = 0
        #: How often a job probed the service while the queue was out of service.
        self.probes = 0
        #: Whether the queue was out of service.
        self.held = False
        server.kill()
        self._killed = time.monotonic()
        #: Seconds since the start of the demo; `ended` is 0 until then.
        self.began = tell("OpenAI is away: its server was killed", "bold red")
        self.ended = 0.0

    def __call__(self) -> list[str]:
        """Do and tell what is due; return notes for the table."""
        away = time.monotonic() - self._killed
        if not self._server.is_started and away > self._seconds:
            self._server.launch()
        elif self._server.is_started and not self.ended and self._server.ready():
            self.ended = self._tell(f"OpenAI is back after {away:.1f} s", "bold green")
        return self._watch_gate()

    def _watch_gate(self) -> list[str]:
        tasks = self._tasks.of("evaluation")
        gate, starts = tasks[0].queue.gate(), sum(task.starts for task in tasks)
        if gate.out_of_service and not self._gate.out_of_service:
            self.held = True
            self._tell(f"the queue evaluation is held, out of service: {gate.reason}", "yellow")
        elif gate.out_of_service and starts > self._starts:
            self.probes += 1
            self._tell(f"probe {self.probes}: one job tests whether OpenAI is back", "yellow")
        elif self._gate.out_of_service and not gate.out_of_service:
            self._tell("a probe completed, and the queue evaluation is open again", "bold green")
        self._gate, self._starts = gate, starts
        if not gate.out_of_service:
            return []
        return [f"evaluation is held, the next probe in {gate.probe_ms / 1000:.0f} s at the latest"]
