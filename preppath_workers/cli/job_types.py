"""The job types that a command knows: those of the modules in `JOBS`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence

from ..config import load
from ..config.model import Config, QueueConfig
from ..jobs.loading import OWN_JOBS, load_job_types
from ..registry import JobType


def job_types(args: Namespace) -> Sequence[JobType]:
    """Return the job types. Raises ConfigError."""
    return _job_types(load.read_environment(args.config))


def load_config(args: Namespace) -> Config:
    """Return the whole configuration. Raises ConfigError."""
    variables = load.read_environment(args.config)
    return load.load(variables, [job_type.defaults for job_type in _job_types(variables)])


def load_queues(args: Namespace) -> Sequence[QueueConfig]:
    """Return the settings of the queues that this configuration enables. Raises ConfigError."""
    variables = load.read_environment(args.config)
    return load.load_queues(variables, [job_type.defaults for job_type in _job_types(variables)])


def _job_types(variables: Mapping[str, str]) -> Sequence[JobType]:
    return load_job_types(load.load_job_modules(variables, OWN_JOBS))
