"""`python -m tests.rate_limiter.vendor_app`: the real supervisor, whose jobs ask OpenAI for an answer."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from preppath_workers.clients.openai.client import OpenAI
from preppath_workers.config import load as config
from preppath_workers.config.model import QueueConfig
from preppath_workers.registry import JobContext
from tests.integration.worker.starting import supervise

_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


@cache
def _openai() -> OpenAI:
    return OpenAI(config.load(config.read_environment(None), (QueueConfig("alpha"),)).openai)


def handle(context: JobContext, services: object) -> Mapping[str, Any]:
    question = {"role": "user", "content": "Why is the sky blue?"}
    return context.step("answer", lambda: _openai().evaluate([question], _SCHEMA, context))  # type: ignore[list-item, no-any-return]


if __name__ == "__main__":
    sys.exit(supervise({"alpha": handle}))
