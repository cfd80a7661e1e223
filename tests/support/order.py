"""The order in which workers of xdist run the tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest


def slow_first(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return the tests so that each worker, which gets a contiguous part, begins with its share of the slow
    modules. One worker alone keeps the order."""
    if workers == 1:
        return list(items)
    by_module: dict[Path, list[pytest.Item]] = {}
    for item in items:
        by_module.setdefault(item.path, []).append(item)
    modules = sorted(by_module.values(), key=lambda module: (not _is(module, "long"), not _is_slow(module)))
    slow = sum(map(_is_slow, modules))
    return [
        item
        for worker in range(workers)
        for part in (modules[:slow], modules[slow:])
        for module in part[worker::workers]
        for item in module
    ]


def _is_slow(module: Sequence[pytest.Item]) -> bool:
    return _is(module, "long") or _is(module, "processes")


def _is(module: Sequence[pytest.Item], marker: str) -> bool:
    return any(item.get_closest_marker(marker) for item in module)
