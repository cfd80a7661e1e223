"""Compares the workers that may want a connection to PostgreSQL with those that it has to give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from ...config.model import Config
from ...jobs import JOB_TYPES
from ...queue import Queue
from ...store import connection
from .findings import Finding

if TYPE_CHECKING:
    from ...clients.postgres.client import Cursor

#: Seconds for each answer of Redis.
_TIMEOUT = 3.0

#: What one user may have at once: of the server, of the role, of the database; -1 is no limit.
_LIMITS = (
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    " - coalesce(current_setting('reserved_connections', true), '0')::int AS server,"
    " (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS role,"
    " (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database"
)


def check_connections(config: Config, cursor: Cursor) -> Finding:
    """Return the finding. Raises psycopg2.Error."""
    cursor.execute(_LIMITS)
    row = cursor.fetchone()
    assert row is not None
    limit = min(value for value in row.values() if value is not None and value >= 0)
    workers, machines = _workers(config)
    told = f"{workers} workers on {machines} machine{'s' * (machines > 1)}, {limit} connections for this user"
    if workers <= limit:
        return Finding("ok", "connections", told)
    return Finding(
        "warning",
        "connections",
        f"{told}: if all work at once, some wait; lower the concurrency, raise max_connections, or put a "
        "pooler such as PgBouncer in between",
    )


def _workers(config: Config) -> tuple[int, int]:
    """The workers that use the database, and the machines that they are on: the live instances in Redis, or
    the one that this configuration is for."""
    without = {job_type.name for job_type in JOB_TYPES if "database" not in job_type.services}
    queues = [queue for queue in config.queues if queue.name not in without]
    client = connection.client_without_retries(config.redis.url, _TIMEOUT)
    try:
        machines = [_machines(Queue(queue.name, client, config.redis.prefix)) for queue in queues]
    except RedisError:
        machines = [1] * len(queues)
    finally:
        client.close()
    workers = sum(queue.concurrency * count for queue, count in zip(queues, machines, strict=True))
    return workers, max(machines, default=1)


def _machines(queue: Queue) -> int:
    live = {slot.worker_id.rpartition(":")[0] for slot in queue.held_slots() if slot.lease_ms > 0}
    return max(1, len(live))
