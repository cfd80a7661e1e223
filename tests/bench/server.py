"""The Redis server of the benchmark: the machine's own if it has one, else that of the tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from redis import Redis

from tests.support.redis import RedisServer


class BenchServer(RedisServer):
    """A server without persistence. `REDIS_SERVER` names a program to use."""

    def command(self) -> Sequence[str]:
        program = os.environ.get("REDIS_SERVER") or shutil.which("redis-server")
        command = super().command()
        return [program, *command[1:]] if program else command


@dataclass(frozen=True)
class Usage:
    """What a server has used since it started: CPU in ms, commands, also inside scripts, and reads from its
    clients."""

    cpu: float
    commands: int
    reads: int


def usage(redis: Redis) -> Usage:
    found = redis.info()
    return Usage(
        (found["used_cpu_sys"] + found["used_cpu_user"]) * 1000,
        found["total_commands_processed"],
        found["total_reads_processed"],
    )


def version(redis: Redis) -> str:
    found = redis.info("server")
    return (
        f"Valkey {found['valkey_version']}"
        if "valkey_version" in found
        else f"Redis {found['redis_version']}"
    )
