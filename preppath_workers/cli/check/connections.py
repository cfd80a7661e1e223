"""Compare the number of workers with PostgreSQL's connection limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from ...config.model import QueueConfig, RedisConfig
from ...queue import Queue
from ...queue.formatting import counted
from ...store.connections.clients import Clients
from .findings import Finding

if TYPE_CHECKING:
    from ...clients.postgres.client import Cursor

#: Seconds for each answer of Redis.
_TIMEOUT = 3.0

#: The connection limits of the server, the role and the database; -1 means unlimited.
_LIMITS = (
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    " - coalesce(current_setting('reserved_connections', true), '0')::int AS server,"
    " (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS role,"
    " (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database"
)


def check_connections(redis: RedisConfig, queues: Sequence[QueueConfig], cursor: Cursor) -> Finding:
    """Return the finding about the workers of these queues. Raises psycopg2.Error."""
    cursor.execute(_LIMITS)
    row = cursor.fetchone()
    assert row is not None
    limit = min(value for value in row.values() if value is not None and value >= 0)
    workers, machines = _workers(redis, [queue for queue in queues if "database" in queue.services])
    detail = f"{workers} workers on {counted(machines, 'machine')}, {limit} connections for this user"
    if workers <= limit:
        return Finding("ok", "connections", detail)
    return Finding(
        "warning",
        "connections",
        f"{detail}: some wait if all are busy; lower the concurrency, raise max_connections, or use a "
        "pooler such as PgBouncer",
    )


def _workers(redis: RedisConfig, queues: Sequence[QueueConfig]) -> tuple[int, int]:
    """Return the number of workers of these queues, and of machines: the live instances in Redis, or
    one machine with this configuration."""
    clients = Clients.prompt(redis, _TIMEOUT)
    try:
        machines = [_machines(Queue(queue.name, clients.of(queue.name), redis.prefix)) for queue in queues]
    except RedisError:
        machines = [1] * len(queues)
    finally:
        clients.close()
    workers = sum(queue.concurrency * count for queue, count in zip(queues, machines, strict=True))
    return workers, max(machines, default=1)


def _machines(queue: Queue) -> int:
    live = {slot.worker_id.rpartition(":")[0] for slot in queue.held_slots() if slot.lease_ms > 0}
    return max(1, len(live))
