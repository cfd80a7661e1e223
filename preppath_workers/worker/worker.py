"""A worker: the child process that runs jobs, one at a time.

Its life:

1. It takes its slot over: what a dead predecessor held there goes back to the queue.
2. It settles its last job and asks for the next, in one round trip, and waits.
3. A job comes: the handler runs, under the queue's time limit.
4. What came of it is the last job now: back to 2, until it is asked to stop or is due to be replaced.
5. It settles the last job, gives back what it may still hold, and exits with 0.

Whatever Redis does meanwhile, an outcome is kept until it is settled.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from resource import getpagesize
from typing import TypeVar

from redis.exceptions import RedisError

from ..clients.services import Services
from ..config.model import Config, QueueConfig
from ..errors import JobLost, Shutdown
from ..log import LogContext, fields
from ..parent_death import is_orphaned
from ..registry import Handler
from ..store.consumer import Consumer, Wait
from ..store.job import Job
from ..store.outcome import Failed, Finished, Recovered
from . import execution, job_log
from .liveness import Liveness
from .process_title import ProcessTitle
from .reconnect_backoff import ReconnectBackoff
from .signals import Deadline, StopRequest, install

logger = logging.getLogger(__name__)

Value = TypeVar("Value")

#: Seconds between two looks at its own memory, and at whether its supervisor is still there.
_LOOK = 1.0

#: Seconds of one stretch of sleep.
_SLICE = 5.0

#: The longest pause of a worker whose machine lacks something (s). It begins at 1 s and doubles.
_LONGEST_MACHINE_PAUSE = 30.0

#: Seconds that a worker tries to settle its last job when it is asked to stop and Redis is away. What it can
#: not settle stays in its active list and is run again.
_LAST_TRIES = 5.0


class Worker:
    """One child of one queue, in one slot."""

    def __init__(
        self,
        config: Config,
        queue: QueueConfig,
        handle: Handler,
        consumer: Consumer,
        services: Services,
        liveness: Liveness,
        title: ProcessTitle,
    ) -> None:
        self._config = config
        self._queue = queue
        self._consumer = consumer
        self._liveness = liveness
        self._title = title
        self._stop = StopRequest()
        self._deadline = Deadline(queue.timeout, each_second=self._show_job)
        self._services = services
        self._worker_context = execution.WorkerContext(
            handle,
            services,
            consumer,
            hold=max(1.0, queue.backoff),
            secrets=config.secrets(),
        )
        self._backoff = ReconnectBackoff()
        #: The job that runs at this moment.
        self._job: Job | None = None
        self._finished: Finished | None = None
        self._jobs_done = 0
        #: Attempts in a row that failed for what this machine lacks.
        self._machine_failures = 0
        self._pid, self._parent = os.getpid(), os.getppid()
        self._looked_at = time.monotonic()

    def run(self) -> None:
        """Works until it is asked to stop or due to be replaced.

        A bug in here ends the process with a traceback and without leaving in good order: its job counts as
        one that lost its worker, so that it can not do the same to every successor.
        """
        install(self._stop, self._deadline)
        # Two processes on one connection would read each other's answers. This closes it in the copy only.
        os.register_at_fork(after_in_child=self._consumer.disconnect)
        # Every line of the log that is written while a job runs tells which.
        with suppress(Shutdown), LogContext(lambda: self._job.log_fields() if self._job else {}):
            self._take_over()
            self._liveness.ready()
            while not self._stop.was_made and not self._is_due_for_replacement():
                self.loop()
        self._leave()

    def loop(self) -> None:
        """One turn: settles the last job, takes the next, runs it."""
        self._liveness.beat()
        if self._machine_failures and self._finished:
            self._pause_for_machine()
            return
        answer = self._with_reconnect(self._settle_and_fetch)
        if isinstance(answer, Wait):
            self._sleep(answer.seconds)
        elif answer:
            self._work(answer)

    def _take_over(self) -> None:
        while (recovered := self._with_reconnect(self._recover)) is None:
            pass
        buried = {job.id for job in recovered.dead}
        for job_id in recovered.ids:
            if job_id not in buried:
                about = fields(queue=self._queue.name, jobId=job_id)
                logger.warning("A job lost its worker and runs again", extra=about)
        for job in recovered.dead:
            job_log.failed_permanently(job, self._config.log)

    def _recover(self) -> Recovered:
        with self._stop:
            return self._consumer.recover()

    def _settle_and_fetch(self) -> Job | Wait | None:
        settlement = self._consumer.settle_and_fetch(self._finished)
        self._finished = None
        if settlement:
            job_log.settled(settlement, self._config.log)
        with self._stop:
            return self._consumer.next_job()

    def _pause_for_machine(self) -> None:
        """Settles the job alone, so that another machine may take it, and the next one only after a pause."""
        settlement = self._with_reconnect(lambda: self._consumer.settle(self._finished))
        if not settlement:
            return
        self._finished = None
        job_log.settled(settlement, self._config.log)
        self._sleep(min(_LONGEST_MACHINE_PAUSE, 2.0 ** (self._machine_failures - 1)))

    def _with_reconnect(self, step: Callable[[], Value]) -> Value | None:
        """The step's value; None when Redis failed, after a wait that grows from one failure to the next."""
        try:
            value = step()
        except RedisError as error:
            self._sleep(self._backoff.failed(error))
            return None
        self._backoff.succeeded()
        return value

    def _sleep(self, seconds: float) -> None:
        """In slices, each with a sign of life."""
        end = time.monotonic() + seconds
        with self._stop:
            while (left := end - time.monotonic()) > 0:
                self._liveness.beat()
                time.sleep(min(left, _SLICE))

    def _work(self, job: Job) -> None:
        self._job = job
        if logger.isEnabledFor(logging.INFO):
            logger.info("Job started", extra=fields(waitMs=job.wait_ms))
        began = time.monotonic()
        self._liveness.begin_job(job.id)
        try:
            outcome = execution.run(job, self._worker_context, self._deadline)
        except JobLost:
            logger.warning("Job was lost to another worker", extra=fields(outcome="lost"))
        else:
            self._finished = Finished(job, outcome, round((time.monotonic() - began) * 1000))
            lacks = isinstance(outcome, Failed) and outcome.kind == "machine"
            self._machine_failures = self._machine_failures + 1 if lacks else 0
        finally:
            self._end_if_copy()
            self._deadline.disarm()
            self._liveness.end_job()
            self._title.end_job()
            self._job = None
        self._jobs_done += 1

    def _end_if_copy(self) -> None:
        """Ends a process that a handler has forked and that came out of the handler, whichever way: it would
        go on as a second worker in this slot."""
        if os.getpid() != self._pid:
            logger.error("A process that the handler forked returned from it, and is ended")
            os._exit(1)

    def _show_job(self) -> None:
        if self._job:
            self._title.show_job(self._job.id, self._liveness.busy_for)

    def _is_due_for_replacement(self) -> bool:
        most = self._config.max_jobs_per_child
        if most and self._jobs_done >= most:
            logger.debug("Worker is replaced after its share of jobs", extra=fields(jobs=self._jobs_done))
            return True
        now = time.monotonic()
        if now < self._looked_at + _LOOK:
            return False
        self._looked_at = now
        return is_orphaned(self._parent) or self._uses_too_much_memory()

    def _uses_too_much_memory(self) -> bool:
        if not self._config.max_memory_mb:
            return False
        try:
            used = _resident_mb()
        except OSError as error:  # mostly the descriptors that its jobs have left open
            logger.warning("Worker is replaced, it can open no more files", extra=fields(error=str(error)))
            return True
        if used > self._config.max_memory_mb:
            logger.info("Worker is replaced, it uses too much memory", extra=fields(mb=used))
            return True
        return False

    def _leave(self) -> None:
        give_up_at = time.monotonic() + _LAST_TRIES
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
                    # Not in good order, so that a successor looks for what is left in the slot.
                    logger.error("Redis is away, so a job may run again: its outcome could not be stored")
                    sys.exit(1)
                time.sleep(pause)
        self._consumer.disconnect()
        self._services.close()


def _resident_mb() -> float:
    """MiB of resident memory, shared pages included (proc(5), statm)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * getpagesize() / 2**20, 1)
