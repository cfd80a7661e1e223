from __future__ import annotations

from tests.integration.rate_limiter.conftest import new_redis_state

__all__ = ["new_redis_state"]
