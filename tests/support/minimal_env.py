"""The required variables of a configuration, for tests that call no vendor."""

from __future__ import annotations

from types import MappingProxyType

#: Nothing listens at these addresses.
MINIMAL_ENV = MappingProxyType(
    {
        "OPENAI_API_KEY": "sk-test",
        "S3_BUCKET": "nothing",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
    }
)
