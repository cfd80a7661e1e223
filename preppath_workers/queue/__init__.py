"""The API of producers and observers: add, inspect and control jobs."""

from ..config.durability import Durability
from ..store.group import Group
from .new_job import MAX_DATA_BYTES, NewJob, check_priority, encode_data
from .queue import JobRef, Queue

__all__ = [
    "MAX_DATA_BYTES",
    "Durability",
    "Group",
    "JobRef",
    "NewJob",
    "Queue",
    "check_priority",
    "encode_data",
]
