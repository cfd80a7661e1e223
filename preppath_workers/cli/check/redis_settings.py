"""Check that a Redis server's settings do not lose jobs."""

from __future__ import annotations

import time
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from .findings import Finding

#: The oldest version with all commands that the scripts use (ZADD and SET options of 6.2).
_OLDEST = (6, 2)

#: Seconds that this machine's clock may differ.
_CLOCK_TOLERANCE = 2.0

MAY_NOT_ASK = "this user may not ask (INFO)"


def info_of(client: redis.Redis, section: str) -> dict[str, Any]:
    """Return a section of INFO; empty if the user may not ask."""
    try:
        return client.info(section)
    except NoPermissionError:
        return {}


def check_version(client: redis.Redis) -> Finding:
    """Check that the server knows all commands of the scripts."""
    info = info_of(client, "server")
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version") or "")
    if not version:
        return Finding("warning", "redis version", MAY_NOT_ASK)
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST:
        return Finding("error", "redis version", f"{name} {version} is too old, 6.2 or later is required")
    return Finding("ok", "redis version", f"{name} {version}")


def check_policy(client: redis.Redis) -> Finding:
    """Check that the server evicts nothing."""
    policy = info_of(client, "memory").get("maxmemory_policy")
    if policy is None:
        return Finding("warning", "redis maxmemory-policy", MAY_NOT_ASK)
    if policy != "noeviction":
        return Finding("error", "redis maxmemory-policy", f"{policy} would evict jobs; set noeviction")
    return Finding("ok", "redis maxmemory-policy", "noeviction")


def check_persistence(client: redis.Redis) -> Finding:
    """Check that the server writes to its disk, and that it could the last time."""
    info = info_of(client, "persistence")
    if "aof_enabled" not in info:
        return Finding("warning", "redis persistence", MAY_NOT_ASK)
    if info.get("aof_last_write_status", "ok") != "ok":
        return Finding("error", "redis persistence", "the last write to the append-only file failed")
    if info.get("rdb_last_bgsave_status", "ok") != "ok":
        return Finding("error", "redis persistence", "the last snapshot (BGSAVE) failed")
    if info.get("aof_last_bgrewrite_status", "ok") != "ok":
        return Finding("warning", "redis persistence", "the last rewrite of the append-only file failed")
    if not info["aof_enabled"]:
        return Finding(
            "warning", "redis persistence", "appendonly is off: a crash of Redis loses recent jobs"
        )
    return Finding("ok", "redis persistence", "appendonly is on")


def check_clock(client: redis.Redis) -> Finding:
    """Compare the server's clock with this machine's."""
    before = time.time()
    seconds, microseconds = client.time()
    after = time.time()
    theirs = seconds + microseconds / 1e6
    off = theirs - after if theirs > after else before - theirs if theirs < before else 0.0
    if off > _CLOCK_TOLERANCE:
        use = "logs and signatures (S3, webhooks) use this machine's"
        return Finding("warning", "clock", f"differs from Redis's by {off:.1f} s; {use}")
    return Finding("ok", "clock", "matches Redis's")
