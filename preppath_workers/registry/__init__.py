"""Job types: what a worker can run, and what a handler gets."""

from .context import JobContext
from .job_type import Handler, JobType, Registry, job

__all__ = ["Handler", "JobContext", "JobType", "Registry", "job"]
