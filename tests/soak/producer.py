"""The producer: a process that adds all jobs through the proxy, whatever happens to Redis meanwhile.

A job counts as accepted once the server has confirmed it; the producer records that in a file. Until then it
adds the same ids again, because a lost answer may have been a confirmation.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

from redis.exceptions import RedisError

from preppath_workers import NewJob, Queue
from preppath_workers.clients.parent_death import set_pdeathsig
from preppath_workers.store.connections.connection import client

from .plan import PREFIXES, Plan

#: Jobs added at once; seconds that the producer waits for an answer, and before it asks again.
_BATCH, _TIMEOUT, _PAUSE = 20, 1.0, 0.05


def start(plan: Plan, seed: int, url: str, path: Path) -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(
        target=_produce, args=(plan, seed, url, path, set_pdeathsig())
    )
    process.start()
    return process


def accepted(plan: Plan, seed: int, path: Path) -> Mapping[str, Mapping[str, tuple[NewJob, float]]]:
    """Return by prefix each accepted job and when the first request to add it began."""
    jobs = {job.id: job for job in plan.work(Random(seed))}
    found: dict[str, dict[str, tuple[NewJob, float]]] = {prefix: {} for prefix in PREFIXES}
    for prefix, job_id, began in map(str.split, path.read_text(encoding="ascii").splitlines()):
        found[prefix][job_id] = (jobs[job_id], float(began))
    return found


def _produce(plan: Plan, seed: int, url: str, path: Path, prepare: Callable[[], None]) -> None:
    prepare()
    random = Random(seed)
    work = plan.work(random)
    queues = {prefix: Queue("alpha", client(url, _TIMEOUT), prefix) for prefix in PREFIXES}
    began = time.monotonic()
    with path.open("a", encoding="ascii", buffering=1) as file:
        for start in range(0, len(work), _BATCH):
            # The last job comes with the last trouble.
            time.sleep(max(0.0, began + plan.seconds * start / len(work) - time.monotonic()))
            prefix, batch = random.choice(PREFIXES), work[start : start + _BATCH]
            asked = time.monotonic()
            _insist(queues[prefix], batch)
            file.writelines(f"{prefix} {job.id} {asked:.4f}\n" for job in batch)


def _insist(queue: Queue, batch: list[NewJob]) -> None:
    while True:
        with suppress(RedisError):
            queue.enqueue_many(batch)
            return
        time.sleep(_PAUSE)
