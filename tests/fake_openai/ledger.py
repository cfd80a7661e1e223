"""What the server charges, from its own answers and with prices of its own: the vendor's view, which the
workers' ledger is compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import Any

from preppath_workers.offline.api.http import Response

#: Nano-dollars per token: input, cached input, input written to the cache, output.
_TOKENS = {"gpt-6-luna": (100, 10, 125, 500), "gpt-6-sol": (2_000, 200, 2_500, 10_000)}
#: Nano-dollars per second.
_SECONDS = {"gpt-transcribe": 75_000}
#: Nano-dollars per token: text input, cached text input, text output, audio output.
_REALTIME = {"gpt-realtime-2.1-mini": (600, 60, 2_400, 20_000)}


def charge(response: Response, model: str | None) -> dict[str, Any] | None:
    """Return `{"model", "usage", "nano"}` for an answer that is charged; `nano` is None without a price."""
    if response.status != 200 or not response.content_type.startswith("application/json"):
        return None
    try:
        body = json.loads(response.body)
    except ValueError:  # the body of a fault
        return None
    usage = body.get("usage") if isinstance(body, dict) else None
    if not usage or "error" in body:
        return None
    model = body.get("model") or model
    return {"model": model, "usage": usage, "nano": _nano(str(model), usage)}


def realtime_charge(model: str, usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same for a Realtime response."""
    prices = _REALTIME.get(model)
    inputs, outputs = usage["input_token_details"], usage["output_token_details"]
    cached = inputs["cached_tokens"]
    counts = (
        usage["input_tokens"] - cached,
        cached,
        usage["output_tokens"] - outputs["audio_tokens"],
        outputs["audio_tokens"],
    )
    nano = sum(a * b for a, b in zip(counts, prices, strict=True)) if prices else None
    return {"model": model, "usage": usage, "nano": nano}


def _nano(model: str, usage: Mapping[str, Any]) -> int | None:
    if "seconds" in usage:
        second = _SECONDS.get(model)
        return ceil(Fraction(str(usage["seconds"])) * second) if second else None
    prices = _TOKENS.get(model)
    if not prices:
        return None
    details = usage["prompt_tokens_details"]
    cached, written = details["cached_tokens"], details["cache_write_tokens"]
    fresh = usage["prompt_tokens"] - cached - written
    counts: list[int] = [fresh, cached, written, usage["completion_tokens"]]
    return sum(a * b for a, b in zip(counts, prices, strict=True))
