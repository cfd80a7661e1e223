"""Compare words with a number: `1984` and "nineteen eighty-four".

English is parsed exactly. In other languages with Latin letters, words only have to be number words, by a
table of stems; in other scripts, any words are accepted.
"""

from __future__ import annotations

from collections.abc import Sequence

_ONES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen
"""
_ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {
    **{word: value for value, word in enumerate(_ONES.split())},
    **{word: value for value, word in enumerate(_ORDINALS.split())},
    **{f"{word}th": value for value, word in enumerate(_ONES.split()) if value > 12},
    **{word: value * 10 for value, word in enumerate(_TENS.split(), 2)},
    **{f"{word[:-1]}ies": value * 10 for value, word in enumerate(_TENS.split(), 2)},
    **{f"{word[:-1]}ieth": value * 10 for value, word in enumerate(_TENS.split(), 2)},
    "oh": 0,
}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ARTICLES, _LINKS = ("a", "an"), ("and", "point")
#: Stems of number words without accents, in German, French, Spanish, Italian, Portuguese, Dutch, Polish,
#: Swedish and Turkish.
_STEMS = """
null eins einen eine ein zwei zwo drei vier funf sechs sieben acht neun zehn elf zwolf zwan dreiss und ig
zig sech sieb hundert tausend million millionen milliarde milliarden komma punkt te ste
zero un une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt vingts
trente quarante cinquante soixante et cent cents mille million millions milliard milliards virgule point
cero uno una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieci veint
veinte
veinti treinta cuarenta cincuenta sesenta setenta ochenta noventa y cien ciento cientos cientas quinientos mil
millon millones coma punto
due tre quattro cinque sei sette otto nove undici dodici tredici quattordici quindici sedici diciassette
diciotto diciannove vent venti ventu trent trenta quarant quaranta cinquant cinquanta sessant sessanta settant
settanta ottant ottanta novant novanta cento mila milione milioni miliardo miliardi virgola
dois duas quatro oito dez doze treze quatorze quinze dezesseis dezessete dezoito dezenove vinte trinta
quarenta sessenta oitenta e cem zentos duzentos milhao milhoes virgula ponto
nul een twee drie vijf zes zeven negen tien twaalf der veer vijftien twin tig dertig veertig honderd duizend
miljoen en komma
jeden jedna dwa dwie trzy cztery piec szesc siedem osiem dziewiec dziesiec nascie dziescia dziesci dziesiat
sto dwiescie sta set tysiac tysiace tysiecy milion przecinek
noll ett tva fyra fem sju atta nio tio tolv tjugo trettio fyrtio femtio sextio sjuttio attio nittio hundra
tusen miljon
sifir bir iki uc dort bes alti yedi sekiz dokuz on yirmi otuz kirk elli altmis yetmis seksen doksan yuz bin
"""
_OTHERS = frozenset(_STEMS.split())
_LONGEST = max(map(len, _OTHERS))


def spells(words: Sequence[str], number: str) -> bool:
    """Return whether the words may be the spoken form of the number.

    Words are in lower case without accents; the number is digits, with `.` before decimals.
    """
    after = [*words[1:], ""]
    words = [
        word for word, then in zip(words, after, strict=True) if word not in _ARTICLES or then not in _SCALES
    ]
    if all(word in _VALUES or word in _SCALES or word in _LINKS for word in words):
        return bool(words) and _digits(words) == number
    if all(word.isascii() for word in words):
        return all(map(_is_compound, words))
    return not any(word.isascii() for word in words)


def _is_compound(word: str) -> bool:
    """Return whether the word consists of stems. Not by a regular expression: words that can be divided in
    many ways would keep it busy for hours."""
    ends = {0}
    for at in range(len(word)):
        if at in ends:
            ends.update(at + size for size in range(1, _LONGEST + 1) if word[at : at + size] in _OTHERS)
    return len(word) in ends


def _digits(words: Sequence[str]) -> str:
    """Return the digits of English number words: one number, two ("twenty twenty-seven") or single digits."""
    whole: list[list[str]] = [[]]
    for word in words:
        if word == "point":
            whole.append([])
        else:
            whole[-1].append(word)
    return ".".join("".join(map(str, _groups(part))) for part in whole)


def _groups(words: Sequence[str]) -> list[int]:
    """Return adjacent numbers: [19, 84] for "nineteen eighty-four", [1984] for "one thousand nine hundred and
    eighty-four"."""
    groups: list[int] = []
    total = current = 0
    room = -1  # exclusive limit of what may be added to the current number; -1 before a number
    for word in words:
        if word == "hundred":
            current, room = max(current, 1) * 100, 100
        elif word in _SCALES:
            total, current, room = total + max(current, 1) * _SCALES[word], 0, _SCALES[word]
        elif word in _VALUES:
            value = _VALUES[word]
            if 0 < value < room:
                current += value
            else:
                groups += [total + current] if room >= 0 else []
                total, current = 0, value
            room = 10 if value >= 20 else 0
    return [*groups, total + current] if room >= 0 else groups
