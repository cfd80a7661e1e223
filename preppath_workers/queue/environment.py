"""Where Redis is, for producers that are configured by variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..config import redis as config_redis
from ..config.certificates import trusted
from ..config.env import read_part
from ..config.exported import export, real_environment
from ..config.model import RedisConfig
from ..errors import ConfigError


def redis_config(env_file: str | Path | None) -> RedisConfig:
    """Return the address from `REDIS_URL` (or `REDIS_HOST`, …) and `KEY_PREFIX`. Raises ConfigError."""
    return read_part(_variables(env_file), config_redis.redis)


def _variables(env_file: str | Path | None) -> Mapping[str, str]:
    if env_file is not None:
        from ..config.load import read_environment

        try:
            return read_environment(env_file)
        except ModuleNotFoundError as error:  # a producer may have redis alone
            raise ConfigError(f"cannot read {env_file}: Python's package {error.name} is missing") from None
    variables = real_environment()
    export(trusted(variables))
    return variables
