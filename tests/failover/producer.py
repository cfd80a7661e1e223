"""`python -m tests.failover.producer`: add jobs to each queue, one by one, until SIGTERM.

The file of TRIAL_ACCEPTED says which were accepted. Those that were not are added again with the same id, as
the documentation says: they may exist.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from random import Random

from redis.exceptions import RedisError

from preppath_workers import NewJob, Queue
from preppath_workers.errors import NotReplicated
from tests.integration.worker.scripted_handlers import append

#: Seconds before a job is added again.
_PAUSE = 0.02


def main() -> int:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    names = os.environ["TRIAL_QUEUES"].split()
    # A queue whose node is away must not keep the others from getting jobs.
    threads = [threading.Thread(target=_produce, args=(name, stop)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0


def _produce(name: str, stop: threading.Event) -> None:
    queue = Queue.from_env(name)
    accepted = Path(os.environ["TRIAL_ACCEPTED"])
    interval = 1 / float(os.environ["TRIAL_RATE"])
    random = Random(name)
    number = 0
    while not stop.is_set():
        due = time.monotonic() + interval
        number += 1
        # Half of them wait for a while, so that there always are jobs to lose.
        job = NewJob({"ms": random.randint(5, 40)}, f"{name}-{number}", delay=random.choice([0.0, 1.5]))
        if _insist(queue, job, stop):
            append(accepted, f"{job.id} {time.monotonic():.4f}")
        time.sleep(max(0.0, due - time.monotonic()))


def _insist(queue: Queue, job: NewJob, stop: threading.Event) -> bool:
    """Return whether the job was accepted before the end."""
    while not stop.is_set():
        try:
            queue.enqueue_many([job])
            return True
        except (RedisError, NotReplicated):
            time.sleep(_PAUSE)
    return False


if __name__ == "__main__":
    sys.exit(main())
