"""Compare a transcript with the text, word for word.

Differences in case, punctuation, accents, white space, emoji, markup, and the spelling of numbers,
contractions and compounds are ignored. Added, omitted and replaced words are differences.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from .number_words import spells
from .spellings import ENDINGS, SIGNS, WHOLE

#: Most tokens that may equal one token of the other side: letters of an abbreviation, parts of a compound,
#: words of a number.
_LONGEST = 8
#: Scripts without spaces between words, whose letters are tokens: Han, kana, Thai, Lao, Khmer.
_SPACELESS = r"\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(
    r"(?P<number>\d++(?:[.,]\d++)*+)(?:(?:st|nd|rd|th|(?<=\d\d\d0)s)(?![^\W\d_]))?"
    rf"|[{_SPACELESS}]|[^\W\d_{_SPACELESS}]+(?:'[^\W\d_{_SPACELESS}]+)*"
)
#: Tags of SSML and of the prompt, which are not spoken.
_MARKUP = re.compile(
    r"</?(?:speak|break|prosody|emphasis|say-as|sub|phoneme|voice|audio|lang|mark|text|p|s)\b[^<>]*>"
)
#: Marks that are typed in place of an apostrophe.
_APOSTROPHE = re.compile("[‘’ʼ`´]")
#: Dots inside an abbreviation, as in "e.g." and "U.S.".
_DOTTED = re.compile(r"\b([^\W\d_])\.(?=[^\W\d_]\b)")
#: Spaces between the thousands of a number, and numbers grouped by other separators.
_SPACED = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
_GROUPED = re.compile(
    r"(?P<whole>\d{1,3}(?P<mark>[.,])\d{3}(?:(?P=mark)\d{3})*)(?:(?!(?P=mark))[.,](?P<decimals>\d+))?"
)
#: An exponent as a superscript, which would become part of the number before it.
_SUPERSCRIPT = re.compile("[⁺⁻]?[²³¹⁰⁴-⁹]+")


def difference(text: str, transcript: str) -> str | None:
    """Return a description of the first difference, or None if the transcript matches the text.

    A text without words, such as emoji only, matches any transcript.
    """
    text, transcript = (_SUPERSCRIPT.sub(r"^\g<0>", each) for each in (text, transcript))
    wanted, spoken = _tokens(text), _tokens(transcript)
    if not wanted:
        return None
    optional = (
        _spoken_signs(text) | _markup(transcript),
        _spoken_signs(transcript) | _markup(text),
    )
    far = (0, 0)
    reached, todo = {far}, [far]
    while todo:
        at = todo.pop()
        if at == (len(wanted), len(spoken)):
            return None
        far = max(far, at, key=sum)
        for step in _steps(wanted[at[0] : at[0] + _LONGEST], spoken[at[1] : at[1] + _LONGEST], optional):
            then = (at[0] + step[0], at[1] + step[1])
            if then not in reached:
                reached.add(then)
                todo.append(then)
    return f"{_excerpt(wanted, far[0])} was read as {_excerpt(spoken, far[1])}"


def _steps(
    wanted: Sequence[str], spoken: Sequence[str], optional: tuple[frozenset[str], frozenset[str]]
) -> Iterator[tuple[int, int]]:
    """Yield each pair of token counts that may match at the start of both sides."""
    if wanted and spoken and wanted[0] == spoken[0]:
        yield 1, 1
    if wanted:
        yield from ((1, count) for count in _spelled(wanted[0], spoken))
        if wanted[0] in optional[1]:
            yield 1, 0
    if spoken:
        yield from ((count, 1) for count in _spelled(spoken[0], wanted))
        if spoken[0] in optional[0]:
            yield 0, 1


def _spelled(token: str, others: Sequence[str]) -> Iterator[int]:
    """Yield each number of leading tokens that may be another spelling of this token."""
    longer = _expansions(token)
    plain = token.replace("'", "")
    joined = ""
    for count, other in enumerate(others, 1):
        joined += other.replace("'", "")
        said = " ".join(others[:count])
        if joined == plain or said in longer or (token[0].isdigit() and spells(others[:count], token)):
            yield count


def _expansions(token: str) -> set[str]:
    found = set(WHOLE.get(token, ()))
    for ending, words in ENDINGS.items():
        if token.endswith(ending) and token != ending:
            found |= {f"{token.removesuffix(ending)} {word}" for word in words}
    return found


def _tokens(text: str) -> list[str]:
    """Return the words, numbers, and letters of scripts without spaces, normalized."""
    found = _TOKEN.finditer(_folded(text))
    return [token for match in found for token in (_numbers(match["number"]) or [match[0]])]


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", _APOSTROPHE.sub("'", text)).casefold()
    plain = "".join(each for each in decomposed if unicodedata.category(each) != "Mn")
    return _SPACED.sub("", _DOTTED.sub(r"\1", plain))


def _numbers(digits: str | None) -> Sequence[str]:
    """Return the number without separators of thousands; the numbers of an address, a date or a version."""
    if not digits:
        return []
    if grouped := _GROUPED.fullmatch(digits):
        whole = _whole(re.sub("[.,]", "", grouped["whole"]))
        return [f"{whole}.{grouped['decimals']}" if grouped["decimals"] else whole]
    parts = re.split("[.,]", digits)
    return [_whole(part) for part in parts] if len(parts) != 2 else [".".join(parts)]


def _whole(digits: str) -> str:
    return str(int(digits)) if len(digits) < 19 and not digits.startswith("0") else digits


def _markup(text: str) -> frozenset[str]:
    """Return the words in the text's tags, which may be omitted."""
    return frozenset(word for tag in _MARKUP.findall(text) for word in _tokens(tag))


def _spoken_signs(text: str) -> frozenset[str]:
    """Return the words that may be said for the text's signs and emoji."""
    words = {word for sign, names in SIGNS.items() if sign in text for word in names.split()}
    for sign in set(text):
        kind = unicodedata.category(sign)
        if kind in ("So", "Sk", "Cs") or (kind == "Sm" and not sign.isascii()):
            words.update(("emoji", *_folded(unicodedata.name(sign, "")).replace("-", " ").split()))
    return frozenset(words)


def _excerpt(tokens: Sequence[str], at: int) -> str:
    said = " ".join(tokens[max(at - 2, 0) : at + 4])
    return f'"{said}"' if said else "nothing"
