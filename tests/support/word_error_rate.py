"""How well a transcript matches a text: the word error rate of speech recognition."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def word_error_rate(text: str, transcript: str) -> float:
    """Return the fewest words to add, omit or replace that turn the text into the transcript, per word of the
    text. Case and punctuation don't count. Raises ValueError for a text without words."""
    wanted, heard = _words(text), _words(transcript)
    if not wanted:
        raise ValueError("the text has no words")
    # Levenshtein's distance, one row of its table at a time.
    row = list(range(len(heard) + 1))
    for number, word in enumerate(wanted, 1):
        above, row = row, [number]
        for at, other in enumerate(heard, 1):
            row.append(min(above[at] + 1, row[-1] + 1, above[at - 1] + (word != other)))
    return row[-1] / len(wanted)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.replace("’", "'").lower())
