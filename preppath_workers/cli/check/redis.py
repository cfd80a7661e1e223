"""Check that Redis answers, and that its settings do not lose jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import redis
from redis.exceptions import NoPermissionError, RedisError

from ...config.model import Config
from ...store import connection
from .findings import Finding

#: Seconds for each answer.
_TIMEOUT = 3.0

#: The oldest version with all commands that the scripts use (ZADD and SET options of 6.2).
_OLDEST = (6, 2)

#: Seconds that this machine's clock may differ. Deadlines use Redis's clock; only logs use this one.
_CLOCK_TOLERANCE = 2.0


def check_redis(config: Config) -> Iterator[Finding]:
    """Check version, memory policy, persistence and clock."""
    client = connection.client_without_retries(config.redis.url, _TIMEOUT)
    try:
        before = time.time()
        seconds, microseconds = client.time()
        after = time.time()
    except RedisError as error:
        yield Finding("error", "redis", f"does not answer: {error}")
        return
    yield _version(client)
    yield _policy(client)
    yield _persistence(client)
    yield _clock(seconds + microseconds / 1e6, before, after)
    client.close()


def _info(client: redis.Redis, section: str) -> dict[str, Any]:
    try:
        return client.info(section)
    except NoPermissionError:
        return {}


def _version(client: redis.Redis) -> Finding:
    info = _info(client, "server")
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version") or "")
    if not version:
        return Finding("warning", "redis version", "this user may not ask (INFO)")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST:
        return Finding("error", "redis version", f"{name} {version} is too old, 6.2 or later is required")
    return Finding("ok", "redis version", f"{name} {version}")


def _policy(client: redis.Redis) -> Finding:
    policy = _info(client, "memory").get("maxmemory_policy")
    if policy is None:
        return Finding("warning", "redis maxmemory-policy", "this user may not ask (INFO)")
    if policy != "noeviction":
        return Finding("error", "redis maxmemory-policy", f"{policy} would evict jobs; set noeviction")
    return Finding("ok", "redis maxmemory-policy", "noeviction")


def _persistence(client: redis.Redis) -> Finding:
    info = _info(client, "persistence")
    if "aof_enabled" not in info:
        return Finding("warning", "redis persistence", "this user may not ask (INFO)")
    if info.get("aof_last_write_status", "ok") != "ok":
        return Finding("error", "redis persistence", "the last write to the append-only file failed")
    if not info["aof_enabled"]:
        return Finding(
            "warning", "redis persistence", "appendonly is off: a crash of Redis loses recent jobs"
        )
    return Finding("ok", "redis persistence", "appendonly is on")


def _clock(theirs: float, before: float, after: float) -> Finding:
    off = theirs - after if theirs > after else before - theirs if theirs < before else 0.0
    if off > _CLOCK_TOLERANCE:
        return Finding(
            "warning", "clock", f"differs from Redis's by {off:.1f} s; times in logs will not match"
        )
    return Finding("ok", "clock", "matches Redis's")
