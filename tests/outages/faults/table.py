"""Every failure of every service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial

from tests.outages.environment import Environment
from tests.outages.table import FAILURES, Failure, Service

from . import http, network, postgres, redis

#: A context in which the service fails.
Fault = Callable[[Environment], AbstractContextManager[None]]

_HTTP: Mapping[tuple[Service, Failure], Fault] = {
    (service, failure): partial(http.answers, service=service, answer=answer)
    for (service, failure), answer in http.ANSWERS.items()
}

_NETWORK: Mapping[tuple[Service, Failure], Fault] = {
    (service, failure): partial(network.fails, service=service, mode=mode)
    for service in FAILURES
    for failure, mode in network.MODES.items()
}

FAULTS: Mapping[tuple[Service, Failure], Fault] = {
    **_NETWORK,
    **_HTTP,
    ("s3", "stalled"): network.s3_stands_still,
    ("postgresql", "stalled"): network.postgres_stands_still,
    ("postgresql", "5xx"): postgres.has_no_connections,
    ("postgresql", "wrong key"): postgres.refuses_password,
    ("postgresql", "read-only"): postgres.is_read_only,
    ("postgresql", "out of memory"): partial(postgres.raises, sqlstate="53200", message="out of memory"),
    ("postgresql", "disk full"): partial(
        postgres.raises, sqlstate="53100", message="could not extend file: No space left on device"
    ),
    ("redis", "stalled"): network.redis_stands_still,
    ("redis", "5xx"): redis.is_busy,
    ("redis", "wrong key"): redis.refuses_password,
    ("redis", "read-only"): redis.is_replica,
    ("redis", "out of memory"): redis.is_out_of_memory,
    ("redis", "disk full"): redis.cannot_save,
    ("redis", "clock back"): partial(redis.has_wrong_clock, seconds=-3_600),
    ("redis", "clock forward"): partial(redis.has_wrong_clock, seconds=3_600),
}
