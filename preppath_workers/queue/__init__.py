"""The API of producers and observers: add, inspect and control jobs."""

from .new_job import MAX_DATA_BYTES, Added, NewJob, check_priority, encode_data
from .queue import Queue

__all__ = ["MAX_DATA_BYTES", "Added", "NewJob", "Queue", "check_priority", "encode_data"]
