from __future__ import annotations

from tests.limiter.conftest import new_bench

__all__ = ["new_bench"]
