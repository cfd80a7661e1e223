"""One run of the demo."""

from __future__ import annotations

import time
import traceback
from collections.abc import Collection, Sequence
from contextlib import ExitStack

from tests.support.process import ServerFailed

from . import fixtures
from .environment import BUCKET, Environment, enter_sandbox
from .interrupts import Interrupted, Interrupts
from .interview import Interview, new_interview
from .keep import keep
from .report import Report
from .scenario import FAULTS, Planned, scenario
from .screen import OutputClosed, Screen
from .watch import NotFinished, watch

#: Seconds that all jobs together may take; OpenAI itself may be slower than our server.
LIMIT, LIMIT_WITH_OPENAI = 60.0, 300.0

#: Lines of the log that are shown when something failed.
_TAIL = 15


class Show:
    """One run; it stops every process and removes every file, however it ends."""

    def __init__(self, screen: Screen, interrupts: Interrupts, keeps: bool) -> None:
        self._screen = screen
        self._interrupts = interrupts
        self._keeps = keeps
        self._began = time.monotonic()

    def run(self) -> int:
        """Run the demo; return 0 if all jobs ended as planned, 1 if not, or 128 plus the signal's number.

        Raises OutputClosed, after stopping everything.
        """
        taken = enter_sandbox()
        with ExitStack() as stack:
            with self._interrupts.held():
                environment = Environment(self._interrupts)
                stack.callback(environment.close)
                stack.callback(self._interrupts.end)
            code = self._perform(environment, taken)
        if environment.exit_code is not None:
            self._screen.say(f"Supervisor ended with exit code {environment.exit_code}.")
        self._screen.say("Servers stopped, temporary folder removed.")
        return code or int(environment.exit_code != 0)

    def _perform(self, environment: Environment, taken: Collection[str]) -> int:
        try:
            problems = self._play(environment, taken)
        except Interrupted as interrupted:
            self._screen.say()
            self._screen.say((f"{interrupted}: stopping everything …", "yellow"))
            return 128 + interrupted.number
        except OutputClosed:
            raise  # no output is possible
        except Exception as error:  # noqa: BLE001 — report any failure and stop everything
            self._report_failure(error, environment)
            return 1
        return 1 if problems else 0

    def _play(self, environment: Environment, taken: Collection[str]) -> Sequence[str]:
        """Run up to the report; return the problems."""
        interview = new_interview()
        self._start(environment, interview)
        planned = scenario(interview)
        self._enqueue(environment, planned)
        limit = LIMIT if environment.openai else LIMIT_WITH_OPENAI
        watched = watch(planned, environment, self._screen, limit)
        report = Report(environment, interview, self._screen)
        report.show(watched)
        self._judge(report.problems, planned)
        if self._keeps:
            keep(environment, planned, taken, self._screen)
        self._screen.say()
        return report.problems

    def _start(self, environment: Environment, interview: Interview) -> None:
        for name, address in environment.serve():
            self._up(name, address)
        environment.bucket.create_bucket(Bucket=BUCKET)
        seconds = fixtures.load(interview, environment.services)
        spoken = f"{len(interview.spoken)} spoken answers ({seconds:.0f} s)"
        self._up("Interview", f"{len(interview.questions)} questions, {spoken}")
        if environment.openai:
            environment.openai.order(*FAULTS)
        environment.work()
        workers = ", ".join(f"{queue.concurrency} {queue.name}" for queue in environment.config.queues)
        self._up("Supervisor", f"pid {environment.workers.pid}: {workers}")

    def _up(self, what: str, details: str) -> None:
        seconds = time.monotonic() - self._began
        self._screen.say(("  ✓ ", "green"), f"{what:<19}", f"{details:<49}", (f"{seconds:4.1f} s", "dim"))

    def _enqueue(self, environment: Environment, planned: Sequence[Planned]) -> None:
        self._screen.say()
        for each in planned:
            environment.queues[each.queue].enqueue(each.data, id=each.id)

    def _judge(self, problems: Sequence[str], planned: Sequence[Planned]) -> None:
        self._screen.say()
        for problem in problems:
            self._screen.say(("✗ ", "red"), problem)
        if not problems:
            dead = sum(each.expected == "failed" for each in planned)
            ended = f"{len(planned) - dead} jobs completed, {dead} is in the dead-letter list"
            self._screen.say(("✓ ", "green"), f"As it should be: {ended}.")

    def _report_failure(self, error: Exception, environment: Environment) -> None:
        self._screen.say()
        expected = isinstance(error, ServerFailed | NotFinished)
        message = str(error) if expected else "".join(traceback.format_exception(error))
        self._screen.quote(f"The demo failed: {message}")
        # A ServerFailed has the end of its server's log.
        if environment.log.exists() and not isinstance(error, ServerFailed):
            self._screen.say("The end of the supervisor's log:")
            for line in environment.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]:
                self._screen.quote(f"  {line}")
