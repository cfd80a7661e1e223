"""The job types that a command knows: those of the modules in `JOBS`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence

from ..config import load
from ..config.model import Config, QueueConfig
from ..jobs.loading import OWN_JOBS, load_job_types
from ..registry import JobType


def variables_of(args: Namespace) -> Mapping[str, str]:
    """Return the environment and the configuration file. A command reads it once: it may be a pipe, or change
    meanwhile. Raises ConfigError."""
    if "variables" not in args:
        args.variables = load.read_environment(args.config)
    variables: Mapping[str, str] = args.variables
    return variables


def job_types(args: Namespace) -> Sequence[JobType]:
    """Return the job types. Raises ConfigError."""
    return _job_types(variables_of(args))


def load_config(args: Namespace) -> Config:
    """Return the whole configuration. Raises ConfigError."""
    variables = variables_of(args)
    return load.load(variables, [job_type.defaults for job_type in _job_types(variables)])


def load_queues(args: Namespace) -> Sequence[QueueConfig]:
    """Return the settings of the queues that this configuration enables. Raises ConfigError."""
    variables = variables_of(args)
    return load.load_queues(variables, [job_type.defaults for job_type in _job_types(variables)])


def _job_types(variables: Mapping[str, str]) -> Sequence[JobType]:
    return load_job_types(load.load_job_modules(variables, OWN_JOBS))
