"""Leaves out what redis-py imports and a command doesn't use: it would take longer than all the rest.

`import redis` imports the clients for asyncio and for a Cluster too, and OpenTelemetry's SDK of metrics if
that is installed.
"""

from __future__ import annotations

import sys
from importlib import import_module

from ..clients.later_packages import run_later

#: What redis-py imports to measure itself, which it does only if a program asks for it.
_METRICS = ("opentelemetry.sdk", "opentelemetry.metrics")


def import_later(with_metrics: bool) -> None:
    """Prepare the import of redis-py; no-op if it has been imported. `with_metrics`: whether the program may
    ask redis-py for its metrics."""
    if "redis" in sys.modules:
        return
    run_later("redis", "redis.asyncio", "importlib.metadata")
    if not with_metrics:
        _import_without_metrics()


def _import_without_metrics() -> None:
    hidden = [name for name in _METRICS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: as if it were not installed
    try:
        import_module("redis.observability.recorder")
    finally:
        for name in hidden:
            del sys.modules[name]
