"""Leaves out of a transcript what the model itself doubts: Whisper hears words in silence and noise, most
often those that end a video ("Thanks for watching!"), and adds that probably nothing was said."""

from __future__ import annotations

import math
from typing import Any

#: Probabilities that nothing was said, each with the mean log probability of its words below which the
#: segment is doubtful. The first pair is Whisper's own rule for silence (`no_speech_threshold` and
#: `logprob_threshold`); by the second, phrases that it knows by heart are doubtful too.
_DOUBTFUL = ((0.6, -1.0), (0.9, -0.15))


def without_doubtful(text: str, segments: Any) -> tuple[str, int]:
    """Return the text without the segments that the model doubts, and the number of those. `segments` are
    those of `verbose_json`; a text without any is returned as it is."""
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
