"""Values that each reader of the configuration refuses, by the variable's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from preppath_workers.config.load import load, load_job_modules, load_redis
from preppath_workers.config.model import QueueConfig
from preppath_workers.config.web import load_web
from preppath_workers.errors import ConfigError
from tests.support.minimal_env import MINIMAL_ENV

Read = Callable[[Mapping[str, str | None]], Any]


def all_variables(variables: Mapping[str, str | None]) -> object:
    return load({**MINIMAL_ENV, **variables}, [QueueConfig("tts")])


def job_modules(variables: Mapping[str, str | None]) -> object:
    return load_job_modules(variables, "app.jobs")


@pytest.mark.parametrize(
    ("read", "name", "value", "expected"),
    [
        (all_variables, "TTS_TOKENS_PER_MINUTE", "0", "a whole number of 1 or more, or none"),
        (all_variables, "TTS_FAIR_BY", "x" * 101, "the name of a field of the job's data, or none"),
        (all_variables, "BACKOFF_JITTER", "1.1", "a number from 0 to 1"),
        (all_variables, "ENQUEUE_WAIT_REPLICAS", "101", "a whole number from 0 to 100"),
        (all_variables, "WAIT_SECONDS", "1e6", "a number of seconds from 0.001 to "),
        (all_variables, "OPENAI_PRICES", "/none", "a file like config/prices.toml of the package"),
        (load_redis, "REDIS_PORT", "tcp://10.96.0.7:6379", "a whole number from 1 to 65535"),
        (job_modules, "JOBS", "app jobs", "names of Python modules such as app.jobs"),
        (job_modules, "JOBS", " , ", "names of Python modules such as app.jobs"),
        (load_web, "WEB_HOSTS", "a:80", "host names without ports"),
    ],
)
def test_value_that_is_no_setting_is_refused_by_name(
    read: Read, name: str, value: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        read({name: value})
    [problem] = raised.value.problems
    assert problem.startswith(f"{name} is wrong: expected {expected}")
