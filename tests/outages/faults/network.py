"""Failures that do not depend on the service's protocol."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from tests.outages.environment import Environment
from tests.outages.table import Failure, Service
from tests.support.process import children_of

#: What the proxy does.
MODES: dict[Failure, str] = {"refused": "refuse", "reset": "reset", "stalled": "stall"}


def fails(environment: Environment, service: Service, mode: str) -> AbstractContextManager[None]:
    return environment.ways.failing(service, mode)


def s3_stands_still(environment: Environment) -> AbstractContextManager[None]:
    return _stand_still([environment.s3.pid])


def redis_stands_still(environment: Environment) -> AbstractContextManager[None]:
    return _stand_still([environment.redis.pid])


def postgres_stands_still(environment: Environment) -> AbstractContextManager[None]:
    """The first process and one for each connection."""
    first = environment.postgres.pid
    os.kill(first, signal.SIGSTOP)  # before its children are listed: it starts no more
    return _stand_still([first, *map(int, children_of(first))])


@contextmanager
def _stand_still(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        _signal(pid, signal.SIGSTOP)
    yield
    for pid in reversed(pids):
        _signal(pid, signal.SIGCONT)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
