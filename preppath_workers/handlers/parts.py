"""Where to cut a long recording, and how its parts' texts become one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

#: How the Unicode names of letters begin that are written without spaces between words.
_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "FULLWIDTH", "THAI", "LAO", "KHMER", "MYANMAR")

#: Seconds of a pause that stay before the words after it.
_LEAD = 0.3
#: Seconds at an end that may be missing from a silence: a frame or two of a lossy format.
_EDGE = 0.15


def starts(duration: float, pauses: Sequence[tuple[float, float]], longest: float) -> list[float]:
    """Where parts of at most `longest` seconds begin: as late as a pause in the second half of the part
    before allows, or else where that part must end. A pause is (begin, end). Everything in seconds."""
    found = [0.0]
    while duration - found[-1] > longest:
        latest = found[-1] + longest
        cuts = [_cut(begin, end, latest) for begin, end in pauses if begin <= latest]
        found.append(max((at for at in cuts if at >= latest - longest / 2), default=latest))
    return found


def is_silent(silences: Iterable[tuple[float, float]], begin: float, end: float) -> bool:
    """Whether one of the silences covers the whole of it, up to what a decoder adds or drops at its ends."""
    return any(start <= begin + _EDGE and end - _EDGE <= stop for start, stop in silences)


def _cut(begin: float, end: float, latest: float) -> float:
    """The latest place in a pause at which to cut: a little of it stays before the words that follow."""
    return min(max((begin + end) / 2, end - _LEAD), latest)


def join(texts: Iterable[str]) -> str:
    """The texts as one, with a space between two of them where their script puts one between words."""
    joined = ""
    for text in filter(None, (text.strip() for text in texts)):
        spaceless = joined and _is_spaceless(joined[-1]) and _is_spaceless(text[0])
        joined += text if spaceless or not joined else f" {text}"
    return joined


def _is_spaceless(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_SPACELESS)
