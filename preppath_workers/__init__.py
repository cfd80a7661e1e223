"""Reliable Redis job queues, and the workers that run PrepPath's jobs.

Add a job and look at it:

    import redis
    from preppath_workers import Queue

    queue = Queue("tts", redis.Redis())
    added = queue.enqueue({"questionId": "q1", "text": "What is a hash table?"})
    queue.get(added.id).state  # "waiting"

Everything public is exported here:

* `Queue` adds, finds and controls jobs. `NewJob` is what `enqueue_many` takes, `JobRef` what it
  returns: to wait for a job or cancel it. `AsyncQueue` and `AsyncJobRef` are the same for asyncio.
* `Job`, `Group`, `JobLocation`, `Counts`, `Gate`, `Health` and `QueueSnapshot` are what the queue's methods
  return.
* `job` makes a `JobType` of a function, which gets a `JobContext` and raises subclasses of `JobError`.
* `Durability` says which replicas must confirm a job that is added.
* `ConfigError`, `NewerLayout`, `UnknownJob`, `JobFailed` and `NotReplicated` are raised to the caller;
  `JobLost`, `JobTimeout` and `Shutdown` interrupt a handler.

The workers themselves are started by the command `preppath-workers`.
"""

#: Also published by each supervisor in its instance information.
__version__ = "0.1.0"

from .errors import (
    ConfigError,
    InvalidJob,
    JobCancelled,
    JobError,
    JobFailed,
    JobLost,
    JobTimeout,
    MachineError,
    NewerLayout,
    NotReplicated,
    PermanentError,
    PrepPathError,
    RateLimited,
    ServiceError,
    Shutdown,
    Snooze,
    TransientError,
    UnknownJob,
)
from .queue import AsyncJobRef, AsyncQueue, Durability, Group, JobRef, NewJob, Queue
from .registry import JobContext, JobType, job
from .store.health import Health
from .store.job import Job
from .store.location import JobLocation
from .store.reader import Counts, Gate
from .store.snapshot import QueueSnapshot

__all__ = [
    "AsyncJobRef",
    "AsyncQueue",
    "ConfigError",
    "Counts",
    "Durability",
    "Gate",
    "Group",
    "Health",
    "InvalidJob",
    "Job",
    "JobCancelled",
    "JobContext",
    "JobError",
    "JobFailed",
    "JobLocation",
    "JobLost",
    "JobRef",
    "JobTimeout",
    "JobType",
    "MachineError",
    "NewJob",
    "NewerLayout",
    "NotReplicated",
    "PermanentError",
    "PrepPathError",
    "Queue",
    "QueueSnapshot",
    "RateLimited",
    "ServiceError",
    "Shutdown",
    "Snooze",
    "TransientError",
    "UnknownJob",
    "job",
]
