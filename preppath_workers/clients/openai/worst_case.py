"""The most that a request can use, known before it is sent. A budget reserves its price."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from ..usage import Usage

#: Tokens of a chat's format that are not in its text: some for the request, some for each message.
_CHAT_OVERHEAD, _MESSAGE_OVERHEAD = 64, 16
#: The fewest bytes of a second of audio, at 4 kbit/s: bounds a recording whose duration is unknown.
_FEWEST_BYTES = 500
#: Seconds that a container may state too few.
_DURATION_ERROR = Decimal(1)
#: More than the tokens of a second of recorded audio, and of the words that are said in it.
_AUDIO_TOKENS, _WORDS = 20, 20
#: The slowest speech at speed 1: seconds of a character, and of pauses at the ends.
_SLOWEST, _PAUSES = Decimal("0.3"), Decimal(5)
#: Service tiers that cost more than the default.
_DEARER_TIERS = frozenset({"priority", "fast"})


def chat(
    model: str, texts: Iterable[str], schema: Mapping[str, Any], max_output: int, tier: str | None = None
) -> Usage:
    """Return the most that a chat can use: a token has at least one byte of UTF-8."""
    texts = [*texts, json.dumps(schema, ensure_ascii=False)]
    prompt = _CHAT_OVERHEAD + sum(_bytes(text) + _MESSAGE_OVERHEAD for text in texts)
    # A cheaper tier is not counted on: the answer tells which one served.
    named = tier if tier in _DEARER_TIERS else "default"
    # As written into the cache: the dearest kind of input.
    return Usage(model, {"cache_write": prompt, "output": max_output}, tier=named)


def transcription(model: str, size: int, seconds: float | None) -> Usage:
    """Return the most that a recording of `size` bytes can use; `seconds` is what its container states."""
    known = Decimal(size) / _FEWEST_BYTES if seconds is None else Decimal(repr(seconds)) + _DURATION_ERROR
    whole = known.to_integral_value(ROUND_CEILING)
    # Tokens count for models that are charged by them.
    tokens = {"audio_input": _AUDIO_TOKENS * int(whole), "output": _WORDS * int(whole)}
    return Usage(model, tokens, seconds=whole)


def speech(model: str, text: str, speed: float | None) -> Usage:
    """Return the most that a spoken text can use."""
    seconds = (_SLOWEST * len(text) + _PAUSES) / Decimal(repr(min(1.0, speed or 1.0)))
    return Usage(model, seconds=seconds.to_integral_value(ROUND_CEILING), characters=len(text))


def reading(model: str, prompt: str, text: str, max_output: int) -> Usage:
    """Return the most that a Realtime response can use: all of its output as audio, the dearest kind."""
    return Usage(model, {"input": _CHAT_OVERHEAD + _bytes(prompt) + _bytes(text), "audio_output": max_output})


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))
