"""`python -m tests.upgrade.producer NAME`: add jobs and read the queues until SIGTERM, by any release's API.

Uses only what every release has: Queue with a redis-py client, and NewJob.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from random import Random

import redis

from preppath_workers import NewJob, Queue

#: Seconds between two jobs, and jobs between two reads of the queues.
_INTERVAL, _READ_EVERY = 0.02, 25


def main(name: str) -> int:
    is_stopped = []
    signal.signal(signal.SIGTERM, lambda number, frame: is_stopped.append(number))
    client = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
    queues = [Queue(queue, client, os.environ["KEY_PREFIX"]) for queue in ("alpha", "beta")]
    random = Random(name)
    number = 0
    with Path(os.environ["TRIAL_ACCEPTED"]).open("ab", buffering=0) as file:
        while not is_stopped:
            number += 1
            queue, job_id = random.choice(queues), f"{name}-{number}"
            _add(queue, job_id, random)
            file.write(f"{job_id} {time.monotonic():.4f}\n".encode())
            if number % _READ_EVERY == 0:
                for each in queues:
                    _read(each)
            time.sleep(_INTERVAL)
    return 0


def _add(queue: Queue, job_id: str, random: Random) -> None:
    data = {"ms": random.randint(2, 60), "fails": random.random() < 0.1}
    priority, delay = random.choice([1, 50, 50, 90]), random.choice([0.0, 0.0, 0.0, 1.5])
    match random.randrange(5):
        case 0:
            queue.redis.lpush(queue.keys.wait, json.dumps({**data, "raw": job_id}))
        case 1:
            queue.enqueue_many([NewJob(data, job_id, priority, delay)])
        case _:
            queue.enqueue(data, id=job_id, priority=priority, delay=delay)


def _read(queue: Queue) -> None:
    queue.snapshot()
    queue.counts()
    for job in queue.jobs("waiting", count=5):
        queue.locate(job.id)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
