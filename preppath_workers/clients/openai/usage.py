"""The usage in OpenAI's answers, as each API reports it. An answer may be of any shape: servers differ."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..usage import Usage

#: Seconds that are plausible for one recording: a week.
_LONGEST = 604_800
#: Tokens that are plausible for one request.
_MOST = 10**9


def chat_usage(completion: Any, worst_case: Usage) -> Usage:
    """Return the usage of a chat; an estimate, from the text's length, if the server reports none."""
    usage = getattr(completion, "usage", None)
    prompt, answer = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    named = _served(completion, worst_case)
    if not prompt:
        content = _text(completion)
        tokens = {**worst_case.tokens, "cache_write": 0, "output": len(content.encode(errors="replace"))}
        tokens["input"] = worst_case.tokens.get("cache_write", 0)
        return Usage(**named, tokens=tokens, is_estimated=True)
    details = getattr(usage, "prompt_tokens_details", None)
    cached, written = _count(details, "cached_tokens"), _count(details, "cache_write_tokens")
    audio = _count(details, "audio_tokens")
    out = getattr(usage, "completion_tokens_details", None)
    audio_out = _count(out, "audio_tokens")
    tokens = {
        "input": max(0, prompt - cached - written - audio),
        "cached": cached,
        "cache_write": written,
        "audio_input": audio,
        "output": max(0, answer - audio_out),
        "audio_output": audio_out,
    }
    return Usage(**named, tokens=tokens, reasoning_tokens=_count(out, "reasoning_tokens"))


def transcription_usage(answer: Any, worst_case: Usage) -> Usage:
    """Return the usage of a transcription: its duration or its tokens, by what the server reports. Without
    either, the duration that the request had."""
    usage, named = getattr(answer, "usage", None), _served(answer, worst_case)
    inputs, output = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    seconds = _seconds(getattr(usage, "seconds", None)) or _seconds(getattr(answer, "duration", None))
    if inputs:
        details = getattr(usage, "input_token_details", None)
        audio = _count(details, "audio_tokens")
        tokens = {"input": max(0, inputs - audio), "audio_input": audio, "output": output}
        # For a model that is charged by duration although it reports tokens.
        return Usage(**named, tokens=tokens, seconds=seconds or worst_case.seconds)
    if seconds:
        return Usage(**named, seconds=seconds)
    return Usage(**named, seconds=worst_case.seconds, is_estimated=True)


def realtime_usage(response: Mapping[str, Any], worst_case: Usage) -> Usage:
    """Return the usage of a Realtime response, which is a JSON object."""
    usage = _mapping(response.get("usage"))
    inputs, outputs = _mapping(usage.get("input_token_details")), _mapping(usage.get("output_token_details"))
    prompt, answer = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    request_id = response.get("id")
    named: dict[str, Any] = {
        "model": worst_case.model,
        "request_id": request_id if isinstance(request_id, str) else None,
    }
    if not prompt and not answer:
        return Usage(**named, tokens=worst_case.tokens, is_estimated=True)
    cached = _count(inputs, "cached_tokens")
    audio = _count(inputs, "audio_tokens")
    audio_cached = min(audio, _count(_mapping(inputs.get("cached_tokens_details")), "audio_tokens"))
    audio_out = _count(outputs, "audio_tokens")
    text_cached = max(0, cached - audio_cached)
    tokens = {
        "input": max(0, prompt - audio - text_cached),
        "cached": text_cached,
        "audio_input": audio - audio_cached,
        "audio_cached": audio_cached,
        "output": max(0, answer - audio_out),
        "audio_output": audio_out,
    }
    return Usage(**named, tokens=tokens, reasoning_tokens=_count(outputs, "reasoning_tokens"))


def speech_usage(worst_case: Usage, seconds: float | None, headers: Mapping[str, str]) -> Usage:
    """Return an estimate for `POST /v1/audio/speech`, whose answer reports no usage: the audio's duration."""
    duration = worst_case.seconds if seconds is None else Decimal(repr(seconds))
    return Usage(
        worst_case.model,
        seconds=duration,
        characters=worst_case.characters,
        request_id=headers.get("x-request-id"),
        is_estimated=True,
    )


def _served(answer: Any, worst_case: Usage) -> dict[str, Any]:
    """Return model, tier and request id as the server reports them."""
    model, tier = getattr(answer, "model", None), getattr(answer, "service_tier", None)
    request_id = getattr(answer, "_request_id", None) or getattr(answer, "id", None)
    return {
        "model": model if isinstance(model, str) and model else worst_case.model,
        "tier": tier if isinstance(tier, str) and tier not in ("", "auto") else "default",
        "request_id": request_id if isinstance(request_id, str) else None,
    }


def _text(completion: Any) -> str:
    choices = getattr(completion, "choices", None)
    first = choices[0] if isinstance(choices, list) and choices else None
    content = getattr(getattr(first, "message", None), "content", None)
    return content if isinstance(content, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(holder: Any, name: str) -> int:
    value = holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST:
        return value
    return 0


def _seconds(value: Any) -> Decimal:
    # Compared before conversion: a JSON integer may be too large for a float.
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _LONGEST
    return Decimal(repr(value)) if is_time else Decimal(0)
