"""`python -m tests.integration.worker.killing_app`: the real supervisor with the real handlers, which
a file can order to die after their n-th step.

A step is a finished call to a service, or a finished `step` or `check_lease` of the attempt: anything that
may have had an effect. In `KILL_FOLDER`, `at` holds the number of the step after which the worker is killed,
once; `steps` gets a line for each step.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from preppath_workers import log
from preppath_workers.clients.services import Services
from preppath_workers.config import load as config
from preppath_workers.config.model import Config
from preppath_workers.jobs import JOB_TYPES
from preppath_workers.registry import Handler, JobContext, Registry
from preppath_workers.worker.supervisor import Supervisor

FOLDER = Path(os.environ["KILL_FOLDER"])

#: Services whose calls are not steps of their own: `step` stores the answer before anything else.
_INSIDE = ("openai",)


class Steps:
    """Count the steps of one attempt, and kill the process after the ordered one."""

    def __init__(self) -> None:
        self._done = 0

    def done(self, name: str) -> None:
        self._done += 1
        with (FOLDER / "steps").open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
        order = FOLDER / "at"
        if order.exists() and int(order.read_text(encoding="utf-8")) == self._done:
            order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


class StepProxy:
    """A proxy whose methods are steps."""

    def __init__(self, name: str, target: Any, steps: Steps) -> None:
        self._name, self._target, self._steps = name, target, steps

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._target, attribute)
        if not callable(value) or attribute in ("progress", "payment"):
            return value
        if attribute == "transaction":
            return self._transaction
        return self._step(attribute, value)

    def _step(self, attribute: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            value = call(*args, **kwargs)
            if self._name not in _INSIDE:
                self._steps.done(f"{self._name}.{attribute}")
            return value

        return step

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self._target.transaction() as cursor:
            yield cursor
        self._steps.done(f"{self._name}.transaction")


class ServicesWithSteps:
    """The real services, with their calls counted as steps."""

    def __init__(self, services: Services, steps: Steps) -> None:
        self._services, self._steps = services, steps

    def __getattr__(self, name: str) -> StepProxy:
        return StepProxy(name, getattr(self._services, name), self._steps)


def with_steps(handle: Handler) -> Handler:
    def run(context: JobContext, services: Services) -> Mapping[str, Any]:
        steps = Steps()
        with_steps_context: Any = StepProxy("context", context, steps)
        with_steps_services: Any = ServicesWithSteps(services, steps)
        return handle(with_steps_context, with_steps_services)

    return run


def load() -> Config:
    return config.load(config.read_environment(), [job_type.defaults for job_type in JOB_TYPES])


def apply(loaded: Config) -> None:
    log.configure(loaded.log, loaded.secrets())


def preloaded_services(loaded: Config) -> Services:
    services = Services(loaded)
    services.preload(["openai", "storage", "database"])
    return services


if __name__ == "__main__":
    handlers = {job_type.name: with_steps(job_type.load()) for job_type in JOB_TYPES}
    registry = Registry(handlers, preloaded_services)
    first = load()
    apply(first)
    sys.exit(Supervisor(first, registry, load, apply).run())
