"""Where a long recording is cut, and how the texts of its parts are joined."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

#: First words of the Unicode names of letters in scripts without spaces between words.
_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "FULLWIDTH", "THAI", "LAO", "KHMER", "MYANMAR")

#: Seconds of a pause kept before the words that follow it.
_LEAD = 0.3
#: Seconds of sound tolerated at either end of a silence: one or two frames of a lossy format.
_EDGE = 0.15


def starts(duration: float, pauses: Sequence[tuple[float, float]], longest: float) -> list[float]:
    """Return where parts of at most `longest` seconds begin; times are in seconds, pauses are (begin, end).

    A part ends at the last pause in its second half, or at its maximum length.
    """
    found = [0.0]
    while duration - found[-1] > longest:
        latest = found[-1] + longest
        cuts = [_cut(begin, end, latest) for begin, end in pauses if begin <= latest]
        found.append(max((at for at in cuts if at >= latest - longest / 2), default=latest))
    return found


def is_silent(silences: Iterable[tuple[float, float]], begin: float, end: float) -> bool:
    """Return whether one silence covers the whole span, except what a decoder adds or drops at its ends."""
    return any(start <= begin + _EDGE and end - _EDGE <= stop for start, stop in silences)


def _cut(begin: float, end: float, latest: float) -> float:
    """Return where to cut in a pause: as late as possible, but with a lead before the next words."""
    return min(max((begin + end) / 2, end - _LEAD), latest)


def join(texts: Iterable[str]) -> str:
    """Return the texts joined by spaces, or by nothing between letters of scripts without spaces."""
    joined = ""
    for text in filter(None, (text.strip() for text in texts)):
        spaceless = joined and _is_spaceless(joined[-1]) and _is_spaceless(text[0])
        joined += text if spaceless or not joined else f" {text}"
    return joined


def _is_spaceless(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_SPACELESS)
