"""Remove segments that the model itself doubts: Whisper hallucinates phrases in silence and noise, and
reports a high probability that nothing was said."""

from __future__ import annotations

import math
from typing import Any

#: Pairs of a minimum probability of no speech and a maximum mean log probability of the words. The first is
#: Whisper's rule for silence (`no_speech_threshold`, `logprob_threshold`); the second also finds memorized
#: phrases.
_DOUBTFUL = ((0.6, -1.0), (0.9, -0.15))


def without_doubtful(text: str, segments: Any) -> tuple[str, int]:
    """Return the text without doubtful segments, and their number. `segments`: those of `verbose_json`, or
    anything else to keep the text unchanged."""
    if not isinstance(segments, list):
        return text, 0
    kept = [segment for segment in segments if not _is_doubtful(segment)]
    if len(kept) == len(segments):
        return text, 0
    words = "".join(str(getattr(segment, "text", "")) for segment in kept)
    return words.strip(), len(segments) - len(kept)


def _is_doubtful(segment: Any) -> bool:
    no_speech = _number(getattr(segment, "no_speech_prob", None), 0.0)
    likely = _number(getattr(segment, "avg_logprob", None), -math.inf)
    return any(no_speech > most and likely < least for most, least in _DOUBTFUL)


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default
