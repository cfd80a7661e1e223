"""PrepPath's workers: reliable Redis queues, and the jobs that run on them.

A producer needs this much:

    import redis
    from preppath_workers import Queue

    Queue("tts", redis.Redis()).enqueue({"questionId": "q1", "text": "What is a hash table?"})

Everything that is meant for others is here: the queue and what its methods return, what a handler sees of its
job (JobContext), and the errors that a handler raises.
"""

#: Also in what a supervisor writes about itself into Redis.
__version__ = "0.1.0"

from .errors import (
    ConfigError,
    InvalidJob,
    JobError,
    JobLost,
    JobTimeout,
    MachineError,
    PermanentError,
    PrepPathError,
    RateLimited,
    ServiceError,
    Shutdown,
    Snooze,
    TransientError,
    UnknownJob,
)
from .queue import Added, NewJob, Queue
from .registry import JobContext
from .store.health import Health
from .store.job import Job
from .store.location import JobLocation
from .store.reader import Counts, Gate
from .store.snapshot import QueueSnapshot

__all__ = [
    "Added",
    "ConfigError",
    "Counts",
    "Gate",
    "Health",
    "InvalidJob",
    "Job",
    "JobContext",
    "JobError",
    "JobLocation",
    "JobLost",
    "JobTimeout",
    "MachineError",
    "NewJob",
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
]
