"""The variables without which no configuration loads, for whoever never talks to a vendor."""

from __future__ import annotations

from types import MappingProxyType

#: Nothing listens where they point.
MINIMAL_ENV = MappingProxyType(
    {
        "OPENAI_API_KEY": "sk-nobody",
        "S3_BUCKET": "nothing",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
    }
)
