"""Leaves out what redis-py imports and a command doesn't use: it would take longer than all the rest.

`import redis` imports the clients for asyncio and for a Cluster too, and OpenTelemetry's SDK of metrics if
that is installed. Here the packages in `_LATER` run their code when one of their names is first used. The
standard `importlib.util.LazyLoader` does the same for modules, but runs a package as soon as one of its
modules is imported.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any

#: Packages whose `__init__.py` most commands don't need. Packages stand after those that contain them.
_LATER = ("redis", "redis.asyncio", "importlib.metadata")

#: What redis-py imports to measure itself, which it does only if a program asks for it.
_METRICS = ("opentelemetry.sdk", "opentelemetry.metrics")


def import_later(with_metrics: bool) -> None:
    """Prepare the import of redis-py; no-op if it has been imported. `with_metrics`: whether the program may
    ask redis-py for its metrics."""
    if "redis" in sys.modules:
        return
    for name in _LATER:
        spec = None if name in sys.modules else find_spec(name)
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = loader = _Later(spec.loader.name, spec.loader.path)
            sys.modules[name] = module_from_spec(spec)
            loader.exec_module(sys.modules[name])
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


class _Later(SourceFileLoader):
    """Runs a package's code when a name that isn't one of its modules is first used."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, path)
        self._lock = RLock()
        self._is_running = False

    def exec_module(self, module: ModuleType) -> None:
        def find(name: str) -> Any:
            if PathFinder.find_spec(f"{module.__name__}.{name}", module.__path__):
                return import_module(f"{module.__name__}.{name}")
            with self._lock:
                if self._is_running:  # the package asks itself
                    raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
                if module.__dict__.get("__getattr__") is find:
                    self._run(module, find)
            return getattr(module, name)

        module.__dict__["__getattr__"] = find

    def _run(self, module: ModuleType, find: object) -> None:
        self._is_running = True
        try:
            super().exec_module(module)
        finally:
            self._is_running = False
        if module.__dict__.get("__getattr__") is find:  # the package may have its own
            del module.__dict__["__getattr__"]
