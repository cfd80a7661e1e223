"""Keeps the user's own Redis, database, bucket and settings out of the demo."""

from __future__ import annotations

import os
from collections.abc import Collection

#: How the variables begin that the product, libpq and boto3 read.
_OURS = (
    *("REDIS_", "DATABASE_", "S3_", "AWS_", "PG"),
    *("TRANSCRIPTION_", "TTS_", "EVALUATION_", "QUEUES", "KEY_PREFIX"),
    *("LOG_", "LEASE_", "SHUTDOWN_", "MAX_MEMORY_", "MAX_JOBS_", "KEEP_COMPLETED_"),
)

_OPENAI = "OPENAI_"


def enter_sandbox() -> Collection[str]:
    """Takes these variables out of this process, and so out of every process that it starts, where they would
    win over the demo's `.env`. The account of OpenAI stays when there is a key. Returns the names."""
    foreign = _OURS if os.environ.get("OPENAI_API_KEY") else (*_OURS, _OPENAI)
    taken = [name for name in os.environ if name.startswith(foreign)]
    for name in taken:
        del os.environ[name]
    # Loopback is never behind the proxy that may lead to OpenAI.
    for name in ("NO_PROXY", "no_proxy"):
        direct = filter(None, [os.environ.get(name), "127.0.0.1,localhost"])
        os.environ[name] = ",".join(direct)
    return taken
