"""Packages whose code runs when one of their names is first used: most programs never use them.

The standard `importlib.util.LazyLoader` does the same for modules, but runs a package as soon as one of its
modules is imported.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any


def run_later(*packages: str) -> None:
    """Run the `__init__.py` of these packages when it is needed; no-op for those that have been imported. A
    package stands after those that contain it."""
    for name in packages:
        spec = None if name in sys.modules else _found(name)
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = loader = _Later(spec.loader.name, spec.loader.path)
            sys.modules[name] = module = module_from_spec(spec)
            parent, _, own_name = name.rpartition(".")
            if parent in sys.modules:  # as an import would
                setattr(sys.modules[parent], own_name, module)
            loader.exec_module(module)


def run_all() -> None:
    """Run the packages that were put off.

    For a program whose threads may use them first: each would import other modules of a package and wait for
    those of the others, which ends in an ImportError.
    """
    for module in [*sys.modules.values()]:
        if isinstance(getattr(getattr(module, "__spec__", None), "loader", None), _Later):
            hasattr(module, "__all__")  # any name that isn't one of its modules


def _found(name: str) -> ModuleSpec | None:
    """Return where a package is, without running those that contain it."""
    parent = name.rpartition(".")[0]
    if not parent:
        return PathFinder.find_spec(name)
    containing = _found(parent)
    return PathFinder.find_spec(name, containing.submodule_search_locations) if containing else None


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
