"""The usage in OpenAI's answers, as each API reports it. An answer may be of any shape: servers differ."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..usage import Usage
from .reported import duration, field, text_of, token_count


def reports_usage(usage: Any) -> bool:
    """Return whether an answer's `usage` says that the request used something, and so was charged."""
    counts = ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens")
    return any(_count(usage, name) for name in counts) or duration(usage, "seconds") is not None


def chat_usage(completion: Any, worst_case: Usage) -> Usage:
    """Return the usage of a chat; an estimate, from the text's length, if the server reports none."""
    usage = getattr(completion, "usage", None)
    prompt, answer = token_count(usage, "prompt_tokens"), token_count(usage, "completion_tokens")
    named = _served(completion, worst_case)
    said = len(_text(completion).encode(errors="replace"))
    if said and not answer:  # some servers report zeros
        answer = None
    is_estimated = not prompt or answer is None
    if answer is None:
        answer = said
    if not prompt:
        inputs = {"input": worst_case.tokens.get("cache_write", 0)}
        return Usage(
            **named,
            tokens={**worst_case.tokens, "cache_write": 0, "output": answer, **inputs},
            is_estimated=True,
        )
    details = getattr(usage, "prompt_tokens_details", None)
    kinds = ("cached_tokens", "cache_write_tokens", "audio_tokens")
    text, cached, written, audio = _parts(prompt, *(_count(details, kind) for kind in kinds))
    out = getattr(usage, "completion_tokens_details", None)
    text_out, audio_out = _parts(answer, _count(out, "audio_tokens"))
    tokens = {
        "input": text,
        "cached": cached,
        "cache_write": written,
        "audio_input": audio,
        "output": text_out,
        "audio_output": audio_out,
    }
    reasoning = min(answer, _count(out, "reasoning_tokens"))
    return Usage(**named, tokens=tokens, reasoning_tokens=reasoning, is_estimated=is_estimated)


def transcription_usage(answer: Any, worst_case: Usage) -> Usage:
    """Return the usage of a transcription: its duration or its tokens, by what the server reports. Without
    either, the duration that the request had."""
    usage, named = getattr(answer, "usage", None), _served(answer, worst_case)
    inputs, output = _count(usage, "input_tokens"), token_count(usage, "output_tokens")
    measured = duration(usage, "seconds") or duration(answer, "duration")
    seconds = worst_case.seconds if measured is None else Decimal(repr(measured))
    if inputs:
        audio = token_count(usage, "input_token_details", "audio_tokens")
        is_estimated = audio is None or output is None
        # Without details, all of it is the recording.
        prompt, audio = _parts(inputs, inputs if audio is None else audio)
        if output is None:
            output = len(str(getattr(answer, "text", "")).encode(errors="replace"))
        tokens = {"input": prompt, "audio_input": audio, "output": output}
        # For a model that is charged by duration although it reports tokens.
        return Usage(**named, tokens=tokens, seconds=seconds, is_estimated=is_estimated)
    return Usage(**named, seconds=seconds, is_estimated=measured is None)


def realtime_usage(response: Mapping[str, Any], worst_case: Usage) -> Usage:
    """Return the usage of a Realtime response, which is a JSON object."""
    usage = field(response, "usage")
    inputs, outputs = field(usage, "input_token_details"), field(usage, "output_token_details")
    prompt, answer = token_count(usage, "input_tokens"), token_count(usage, "output_tokens")
    request_id = response.get("id")
    named: dict[str, Any] = {
        "model": worst_case.model,
        "request_id": _name(request_id) or None,
    }
    if not (prompt or answer):
        return Usage(**named, tokens=worst_case.tokens, is_estimated=True)
    # A number that isn't reported counts as the most that the request can use.
    prompt_tokens = worst_case.tokens.get("input", 0) if prompt is None else prompt
    answer_tokens = worst_case.tokens.get("audio_output", 0) if answer is None else answer
    spoken = token_count(outputs, "audio_tokens")
    text, audio = _parts(prompt_tokens, _count(inputs, "audio_tokens"))
    cached = _count(inputs, "cached_tokens")
    audio, audio_cached = _parts(audio, _count(inputs, "cached_tokens_details", "audio_tokens"))
    text, text_cached = _parts(text, max(0, cached - audio_cached))
    # Without details, all of it is speech, which is the dearer kind.
    text_out, audio_out = _parts(answer_tokens, answer_tokens if spoken is None else spoken)
    tokens = {
        "input": text,
        "cached": text_cached,
        "audio_input": audio,
        "audio_cached": audio_cached,
        "output": text_out,
        "audio_output": audio_out,
    }
    return Usage(
        **named,
        tokens=tokens,
        reasoning_tokens=min(answer_tokens, _count(outputs, "reasoning_tokens")),
        is_estimated=None in (prompt, answer, spoken),
    )


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
        "model": _name(model) or worst_case.model,
        "tier": _name(tier) if _name(tier) not in ("", "auto") else "default",
        "request_id": _name(request_id) or None,
    }


def _name(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text(completion: Any) -> str:
    choices = getattr(completion, "choices", None)
    first = choices[0] if isinstance(choices, list) and choices else None
    return text_of(getattr(first, "message", None)) or ""


def _parts(total: int, *parts: int) -> tuple[int, ...]:
    """Return what is left of the total, and the parts: together never more than it, whatever was reported."""
    found = []
    for part in parts:
        found.append(min(part, total))
        total -= found[-1]
    return (total, *found)


def _count(holder: Any, *path: str) -> int:
    return token_count(holder, *path) or 0
