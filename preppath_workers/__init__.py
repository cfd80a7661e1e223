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
* `job` makes a `JobType` of a function, the handler, which gets a `JobContext`. It may raise a `JobError`:
  `PermanentError`, `InvalidJob`, `TransientError`, `ServiceError`, `MachineError`, `RateLimited`, `Snooze`.
* `Usage` is what a paid request of a job used, or can use at most: see `JobContext.payment`.
* `Durability` says which replicas must confirm a job that is added.
* `ConfigError`, `NewerLayout`, `UnknownJob`, `JobFailed` and `NotReplicated` are raised to the caller;
  `JobLost`, `JobTimeout`, `JobCancelled` and `Shutdown` interrupt a handler. The last three are
  BaseExceptions, so that `except Exception` in a handler doesn't catch them.

`preppath_workers.testing` helps to test jobs. The command `preppath-workers` starts the workers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from .clients.usage import Usage
    from .queue import Durability, Group, JobRef, NewJob, Queue
    from .queue.async_queue import AsyncJobRef, AsyncQueue
    from .registry import JobContext, JobType, job
    from .store.job import Job
    from .store.reading.health import Health
    from .store.reading.location import JobLocation
    from .store.reading.reader import Counts, Gate
    from .store.reading.snapshot import QueueSnapshot

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
    "Usage",
    "job",
]

#: The modules of the names that are imported when they are first used. A producer may be a short-lived
#: command that needs few of them, and `cli/main.py` has to prepare the import of redis-py.
_IMPORTED_LATER = {
    "AsyncJobRef": "queue.async_queue",
    "AsyncQueue": "queue.async_queue",
    "Counts": "store.reading.reader",
    "Durability": "config.durability",
    "Gate": "store.reading.reader",
    "Group": "store.group",
    "Health": "store.reading.health",
    "Job": "store.job",
    "JobContext": "registry",
    "JobLocation": "store.reading.location",
    "JobRef": "queue.queue",
    "JobType": "registry",
    "NewJob": "queue.new_job",
    "Queue": "queue.queue",
    "QueueSnapshot": "store.reading.snapshot",
    "Usage": "clients.usage",
    "job": "registry",
}


if not TYPE_CHECKING:  # a type checker would accept any name

    def __getattr__(name: str) -> Any:
        """Import a public name on its first use."""
        if name not in _IMPORTED_LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f".{_IMPORTED_LATER[name]}", __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """Also list what is not imported yet: `help` and a shell's completion show what stands here."""
        return sorted({*globals(), *__all__})
