"""The steps of one worker, and the milliseconds that each takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

from preppath_workers.config.load import load
from preppath_workers.config.model import Config, QueueConfig
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.store.consuming.outcome import Completed, Finished
from preppath_workers.store.job import Job
from tests.support.minimal_env import MINIMAL_ENV

#: Calls for a median.
CALLS = 25

QUEUE = QueueConfig("bench")

_RESULT = '{"ok":true,"score":7}'


def config(url: str) -> Config:
    return load({**MINIMAL_ENV, "REDIS_URL": url}, [])


def done(job: Job) -> Finished:
    return Finished(job, Completed(_RESULT), 1)


def turns(url: str, jobs: int, listed: int = 0) -> list[float]:
    """Time a claim, then `jobs - 1` calls that settle one job and claim the next. The last `listed` completed
    jobs stay in the list of completions."""
    consumer = Consumer(replace(config(url), keep_completed_count=listed), QUEUE, "steps", 0)
    consumer.requeue()  # connects
    finished, times = None, []
    for _ in range(jobs):
        began = time.perf_counter()
        consumer.settle_and_fetch(finished)
        job = consumer.next_job()
        times.append((time.perf_counter() - began) * 1000)
        assert isinstance(job, Job)
        finished = done(job)
    consumer.settle(finished)
    consumer.disconnect()
    return times


def median_ms(call: Callable[[], object], calls: int = CALLS) -> float:
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return median(times)
