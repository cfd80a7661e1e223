"""PrepPath's workers: reliable Redis queues, and the jobs that run on them.

Producers need this much:

    from preppath_workers import Queue
    Queue("tts", redis.Redis()).enqueue({"questionId": "q1", "text": "What is a hash table?"})
"""

from .queue.job import Job
from .queue.queue import Added, Counts, NewJob, Queue

#: Also in what a supervisor tells about itself in Redis.
__version__ = "0.1.0"

__all__ = ["Added", "Counts", "Job", "NewJob", "Queue"]
