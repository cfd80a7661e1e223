"""The demo from its first line to its last."""

from __future__ import annotations

import time
import traceback
from collections.abc import Collection, Sequence
from contextlib import ExitStack

from ..process import ServerFailed
from . import props
from .interruption import Interrupted, Interruptions
from .interview import Interview, new_interview
from .isolation import isolate
from .keep import keep
from .plan import FAULTS, Planned, plan
from .report import Report
from .screen import NobodyReads, Screen
from .stage import BUCKET, Stage
from .watch import NotFinished, watch

#: Seconds that all jobs together may take; OpenAI itself may be slower than our server.
LIMIT, LIMIT_WITH_OPENAI = 60.0, 300.0

#: Lines of the log that are shown when something failed.
_TAIL = 15


class Show:
    """One run. Whatever ends it, nothing of it stays behind."""

    def __init__(self, screen: Screen, interruptions: Interruptions, keeps: bool) -> None:
        self._screen = screen
        self._interruptions = interruptions
        self._keeps = keeps
        self._began = time.monotonic()

    def run(self) -> int:
        """The exit code: 0 when everything ended as it should; 1; or 128 and the number of the signal.

        Raises NobodyReads, also with everything stopped.
        """
        taken = isolate()
        with ExitStack() as stack:
            with self._interruptions.held():
                stage = Stage(self._interruptions)
                stack.callback(stage.close)
                stack.callback(self._interruptions.end)
            code = self._perform(stage, taken)
        if stage.exit_code is not None:
            self._screen.say(f"Supervisor ended with exit code {stage.exit_code}.")
        self._screen.say("Servers stopped, temporary folder removed.")
        return code or int(stage.exit_code != 0)

    def _perform(self, stage: Stage, taken: Collection[str]) -> int:
        try:
            problems = self._play(stage, taken)
        except Interrupted as interrupted:
            self._screen.say()
            self._screen.say((f"{interrupted}: stopping everything …", "yellow"))
            return 128 + interrupted.number
        except NobodyReads:
            raise  # there is nobody to tell
        except Exception as error:  # noqa: BLE001 — whatever fails, it is told and everything is stopped
            self._tell_failure(error, stage)
            return 1
        return 1 if problems else 0

    def _play(self, stage: Stage, taken: Collection[str]) -> Sequence[str]:
        """Everything but the end. Returns what is wrong."""
        interview = new_interview()
        self._start(stage, interview)
        planned = plan(interview)
        self._enqueue(stage, planned)
        limit = LIMIT if stage.openai else LIMIT_WITH_OPENAI
        watched = watch(planned, stage, self._screen, limit)
        report = Report(stage, interview, self._screen)
        report.show(watched)
        self._judge(report.problems, planned)
        if self._keeps:
            keep(stage, planned, taken, self._screen)
        self._screen.say()
        return report.problems

    def _start(self, stage: Stage, interview: Interview) -> None:
        for name, address in stage.serve():
            self._up(name, address)
        stage.bucket.create_bucket(Bucket=BUCKET)
        seconds = props.load(interview, stage.services)
        spoken = f"{len(interview.spoken)} spoken answers ({seconds:.0f} s)"
        self._up("Interview", f"{len(interview.questions)} questions, {spoken}")
        if stage.openai:
            stage.openai.order(*FAULTS)
        stage.work()
        children = ", ".join(f"{queue.concurrency} {queue.name}" for queue in stage.config.queues)
        self._up("Supervisor", f"pid {stage.workers.pid}: {children}")

    def _up(self, what: str, details: str) -> None:
        seconds = time.monotonic() - self._began
        self._screen.say(("  ✓ ", "green"), f"{what:<19}", f"{details:<49}", (f"{seconds:4.1f} s", "dim"))

    def _enqueue(self, stage: Stage, planned: Sequence[Planned]) -> None:
        self._screen.say()
        for each in planned:
            stage.queues[each.queue].enqueue(each.data, id=each.id)

    def _judge(self, problems: Sequence[str], planned: Sequence[Planned]) -> None:
        self._screen.say()
        for problem in problems:
            self._screen.say(("✗ ", "red"), problem)
        if not problems:
            dead = sum(each.expected == "failed" for each in planned)
            ended = f"{len(planned) - dead} jobs completed, {dead} is in the dead-letter list"
            self._screen.say(("✓ ", "green"), f"As it should be: {ended}.")

    def _tell_failure(self, error: Exception, stage: Stage) -> None:
        self._screen.say()
        expected = isinstance(error, ServerFailed | NotFinished)
        told = str(error) if expected else "".join(traceback.format_exception(error))
        self._screen.quote(f"The demo failed: {told}")
        # A ServerFailed brings the end of its server's log itself.
        if stage.log.exists() and not isinstance(error, ServerFailed):
            self._screen.say("The end of the supervisor's log:")
            for line in stage.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]:
                self._screen.quote(f"  {line}")
