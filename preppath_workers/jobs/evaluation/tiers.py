"""The service tier of an evaluation: a cheaper one for less urgent jobs, if the vendor has capacity."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ...clients.openai.classification import TierUnavailable
from ...config.model import OpenAIConfig
from ...registry import JobContext
from ..steps import note_try, tries_made

Answer = TypeVar("Answer")


def ask_in_tier(context: JobContext, config: OpenAIConfig, ask: Callable[[str | None], Answer]) -> Answer:
    """Return what `ask` returns, called with the job's service tier, or None for the default one.

    If the tier has no capacity, which costs nothing, `ask` is called again after 1, 2, 4 … s. After
    `evaluation_tier_tries` refusals, in all attempts, it is called with the default tier. Each call acquires
    a token of the rate limit. Raises what `ask` raises.
    """
    tier = config.evaluation_service_tier
    if not tier or context.priority < config.evaluation_tier_from_priority:
        return ask(None)
    tries = config.evaluation_tier_tries
    for refusals in range(tries_made(context, "no-capacity", tries), tries):
        try:
            return ask(tier)
        except TierUnavailable:
            note_try(context, "no-capacity", refusals + 1)
            if refusals + 1 < tries:
                time.sleep(2.0**refusals)
            context.acquire_token()
    return ask(None)
