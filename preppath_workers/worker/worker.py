"""A worker: the process that runs jobs, one at a time.

1. It recovers the in-flight jobs that a dead predecessor left in its slot.
2. It settles its last job and fetches the next one in one round trip, or waits for one.
3. It runs the handler under the queue's time limit, and keeps the outcome until it is settled.
4. It repeats 2 and 3 until a signal asks it to stop or it is due for replacement.
5. It settles its last job, requeues what it has reserved, and exits with 0.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from redis.exceptions import RedisError

from ..clients.services import Services
from ..config.model import Config, QueueConfig
from ..errors import JobGone, JobLost, Shutdown
from ..log import LogContext, fields
from ..registry import Handler
from ..store.consuming.consumer import Consumer
from ..store.consuming.outcome import Failed, Finished, Recovered, Wait
from ..store.job import Job
from .attempt import execution, job_log
from .attempt.budget import ReservedBudget
from .attempt.payments import PaymentTerms
from .processes.cancellations import Cancellations
from .processes.interrupts import Deadline, SignalState, StopRequest
from .processes.liveness import Liveness
from .processes.machine_backoff import MachineBackoff
from .processes.managed_process import EX_HELD
from .processes.process_title import ProcessTitle
from .reconnect_backoff import ReconnectBackoff
from .replacement import Replacement

logger = logging.getLogger(__name__)

Value = TypeVar("Value")

#: A worker that gets its next job within this time is busy, seconds.
_BUSY = 0.001

#: Seconds of sleep between two beats.
_SLEEP_SLICE = 5.0

#: Seconds after which a worker that pauses for its machine looks whether the pause is over.
_LONGEST_PAUSE = 1.0

#: Seconds by which such pauses differ at most.
_PAUSE_JITTER = 0.1

#: Seconds that a stopping worker tries to settle its last job while Redis fails. An unsettled job runs again.
_SETTLE_LIMIT = 5.0


class Worker:
    """A worker of one queue, in one slot."""

    def __init__(
        self,
        config: Config,
        queue: QueueConfig,
        handle: Handler,
        consumer: Consumer,
        services: Services,
        liveness: Liveness,
        title: ProcessTitle,
        cancellations: Cancellations,
        machine_backoff: MachineBackoff,
    ) -> None:
        self._config = config
        self._queue = queue
        self._consumer = consumer
        self._liveness = liveness
        self._title = title
        self._stop = StopRequest()
        self._deadline = Deadline(queue.timeout, self._show_job, self._is_cancelled)
        self._signals = SignalState(self._stop, self._deadline)
        self._cancellations = cancellations
        self._machine_backoff = machine_backoff
        self._services = services
        self._worker_context = execution.WorkerContext(
            handle,
            services,
            consumer.running_job,
            hold=max(1.0, queue.backoff),
            secrets=config.secrets(),
            payments=PaymentTerms(
                config.prices,
                config.ledger_days,
                queue.fair_by or "userId",
                ReservedBudget.of(config, queue),
                queue.tokens_per_minute,
                config.ledger_rows,
            ),
            time_limit=queue.timeout,
        )
        self._backoff = ReconnectBackoff()
        #: The job that runs now, and when the last one ended (s, monotonic).
        self._job: Job | None = None
        self._ended_at = 0.0
        self._finished: Finished | None = None
        #: Whether the slot may hold a job that has not started yet, since it fetches.
        self._may_hold_job = False
        #: Whether this process was forked by a handler.
        self._was_forked = False
        self._replacement = Replacement(config, self._deadline)

    def run(self) -> None:
        """Run jobs until a signal asks for a stop or the worker is due for replacement.

        A bug in the worker itself ends the process without settling its job. The next worker recovers the
        job, which is counted, so that a job cannot end every worker in this way.
        """
        self._signals.install()
        os.register_at_fork(after_in_child=self._on_fork)
        # Log lines that are written during a job name the job.
        with suppress(Shutdown), LogContext(self._log_fields):
            self._recover_slot()
            self._liveness.ready()
            while not self._stop.is_requested and not self._replacement.is_due():
                self.loop()
            # However long Redis is away: unsettled, a finished job would run again.
            while not self._stop.is_requested and not self._with_reconnect(self._let_go):
                pass
        self._settle_and_close()

    def loop(self) -> None:
        """Settle the last job, fetch the next one and run it."""
        self._liveness.beat()
        if pause := self._machine_backoff.take_turn():
            self._pause_for_machine(pause)
            return
        answer = self._with_reconnect(self._settle_and_fetch)
        if isinstance(answer, Job):
            self._run_job(answer)
            return
        # Not looked at after the last of jobs that followed each other: a stop might not be noticed.
        self._restore_signals(is_busy=False)
        if answer:
            self._sleep(answer.seconds)

    def _recover_slot(self) -> None:
        while (recovered := self._with_reconnect(self._recover)) is None:
            pass
        for job_id in recovered.ids:
            details = fields(queue=self._queue.name, jobId=job_id)
            logger.warning("Recovered job of dead worker", extra=details)
        for job in recovered.dead:
            job_log.failed_permanently(job, self._config.log)

    def _recover(self) -> Recovered:
        with self._stop:
            return self._consumer.recover()

    def _settle_and_fetch(self) -> Job | Wait | None:
        self._may_hold_job = True
        settlement = self._consumer.settle_and_fetch(self._finished)
        self._finished = None
        if settlement:
            job_log.settled(settlement, self._config.log)
        with self._stop:
            return self._consumer.next_job()

    def _pause_for_machine(self, seconds: float) -> None:
        """Pause, and leave all jobs to other machines: settle the last one, requeue what is reserved."""
        if self._with_reconnect(self._let_go):
            # Not the whole pause: a job that completes on this machine ends it. Not all to the same moment,
            # or they would take one turn.
            self._sleep(min(seconds, _LONGEST_PAUSE) + random.uniform(0, _PAUSE_JITTER))  # noqa: S311 — no secret

    def _let_go(self) -> bool:
        if settlement := self._consumer.settle(self._finished):
            self._finished = None
            job_log.settled(settlement, self._config.log)
        if self._may_hold_job:
            self._consumer.requeue()
            self._may_hold_job = False
        return True

    def _with_reconnect(self, step: Callable[[], Value]) -> Value | None:
        """Return the step's value, or None after a backoff pause if Redis failed. Raises Shutdown if it fails
        until the worker is replaced."""
        try:
            value = step()
        except RedisError as error:
            if self._replacement.is_due_after(error):
                raise Shutdown from error
            self._sleep(self._backoff.failed(error))
            return None
        self._backoff.succeeded()
        return value

    def _sleep(self, seconds: float) -> None:
        """Sleep and keep beating. A stop request raises Shutdown."""
        end = time.monotonic() + seconds
        with self._stop:
            while (left := end - time.monotonic()) > 0:
                self._liveness.beat()
                time.sleep(min(left, _SLEEP_SLICE))

    def _run_job(self, job: Job) -> None:
        self._job = job
        if logger.isEnabledFor(logging.INFO):
            logger.info("Job started", extra=fields(waitMs=job.wait_ms))
        began = self._liveness.begin_job(job.id)
        try:
            outcome = execution.run(job, self._worker_context, self._deadline)
        except JobGone:
            logger.warning("Job is gone from Redis", extra=fields(outcome="gone"))
        except JobLost:
            logger.warning("Job lost to another worker", extra=fields(outcome="lost"))
        else:
            self._finished = Finished(job, outcome, round((time.monotonic() - began) * 1000))
            failed = isinstance(outcome, Failed) and outcome.kind == "machine"
            self._replacement.record(failed)
            self._machine_backoff.record(job.id, began, failed)
        finally:
            if self._was_forked:
                self._end_forked_process()
            self._deadline.disarm()
            is_busy = began - self._ended_at < _BUSY
            self._ended_at = time.monotonic()
            self._restore_signals(is_busy)
            self._liveness.end_job()
            self._title.end_job()
            self._job = None
        self._replacement.jobs_done += 1

    def _restore_signals(self, is_busy: bool) -> None:
        if changed := self._signals.restore(is_busy):
            logger.warning("Handler changed how signals are handled", extra=fields(signals=changed))

    def _on_fork(self) -> None:
        """Separate a process that the handler forks from the worker, whose connection it must not share."""
        self._was_forked = True
        self._consumer.disconnect()  # closes this process's copy only

    def _end_forked_process(self) -> None:
        """End a process that the handler forked and that left it: it would be a second worker of the slot."""
        logger.error("Ending process forked by handler: it returned from the handler")
        os._exit(1)

    def _show_job(self) -> None:
        if self._job:
            self._title.show_job(self._job.id, self._liveness.busy_for)

    def _log_fields(self) -> Mapping[str, Any]:
        job = self._job  # read once, because a thread of the handler may log while the job ends
        return job.log_fields() if job else {}

    def _is_cancelled(self) -> bool:
        job = self._job
        return bool(job and self._cancellations.includes(job.queue, job.id, job.fencing_token))

    def _settle_and_close(self) -> None:
        """Settle the last job and requeue what is reserved; exit with EX_HELD if Redis fails for too long."""
        give_up_at = time.monotonic() + _SETTLE_LIMIT
        while True:
            try:
                settlement = self._consumer.settle(self._finished)
                self._finished = None
                if settlement:
                    job_log.settled(settlement, self._config.log)
                self._consumer.requeue()
                break
            except RedisError as error:
                pause = self._backoff.failed(error)
                if time.monotonic() + pause > give_up_at:
                    self._log_held(error)
                    sys.exit(EX_HELD)
                time.sleep(pause)
        self._consumer.disconnect()
        self._services.close()

    def _log_held(self, error: RedisError) -> None:
        details = fields(queue=self._queue.name, error=str(error))
        if self._finished:
            details = fields(**self._finished.job.log_fields(), error=str(error))
            logger.error("Cannot settle the last job before exit, it may run again", extra=details)
        else:
            logger.warning(
                "Cannot release the slot before exit, what it may hold is requeued later", extra=details
            )
