"""Where to cut a long recording, and how its parts' texts become one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

#: How the Unicode names of letters begin that are written without spaces between words.
_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "FULLWIDTH", "THAI", "LAO", "KHMER", "MYANMAR")


def starts(duration: float, pauses: Sequence[float], longest: float) -> list[float]:
    """Where parts of at most `longest` seconds begin: in the last pause of the part before that lies in its
    second half, or else where that part must end. Everything in seconds."""
    found = [0.0]
    while duration - found[-1] > longest:
        latest = found[-1] + longest
        found.append(max((at for at in pauses if latest - longest / 2 <= at <= latest), default=latest))
    return found


def join(texts: Iterable[str]) -> str:
    """The texts as one, with a space between two of them where their script puts one between words."""
    joined = ""
    for text in filter(None, (text.strip() for text in texts)):
        spaceless = joined and _is_spaceless(joined[-1]) and _is_spaceless(text[0])
        joined += text if spaceless or not joined else f" {text}"
    return joined


def _is_spaceless(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_SPACELESS)
