"""Alternative spellings of English words, abbreviations and signs in transcripts."""

from __future__ import annotations

#: Expansions of the endings of contractions.
ENDINGS = {
    "'m": ["am"], "'re": ["are"], "'ve": ["have"], "'ll": ["will", "shall"], "'d": ["would", "had", "did"],
    "'s": ["is", "has", "us", "does"], "n't": ["not"],
}  # fmt: skip
#: Expansions of whole words.
WHOLE = {
    "can't": ["can not", "cannot"], "cannot": ["can not", "can't"], "won't": ["will not"],
    "shan't": ["shall not"], "gonna": ["going to"], "wanna": ["want to"], "gotta": ["got to"],
    "let's": ["let us"], "'cause": ["because"], "ok": ["okay"], "vs": ["versus"], "v": ["versus", "version"],
    "etc": ["et cetera"], "eg": ["for example"], "ie": ["that is"], "w": ["with"], "no": ["number"],
    "approx": ["approximately"], "incl": ["including"], "mr": ["mister"], "dr": ["doctor"],
    "prof": ["professor"], "st": ["saint", "street"], "jr": ["junior"], "sr": ["senior"], "avg": ["average"],
    "ii": ["two", "the second"], "iii": ["three", "the third"], "iv": ["four", "the fourth"],
    "x": ["times", "by"],
    "2": ["squared", "half", "halves"], "3": ["cubed", "thirds"], "4": ["quarter", "quarters"],
    "00": ["o'clock", "hundred"], "c": ["celsius"], "f": ["fahrenheit"], "k": ["thousand"],
    "m": ["million", "meters", "meter", "minutes", "minute"], "b": ["billion"], "s": ["seconds", "second"],
    "kb": ["kilobytes", "kilobyte"], "mb": ["megabytes", "megabyte"], "gb": ["gigabytes", "gigabyte"],
    "tb": ["terabytes", "terabyte"], "ms": ["milliseconds", "millisecond"], "hz": ["hertz"],
    "ns": ["nanoseconds", "nanosecond"], "sec": ["seconds", "second"],
    "min": ["minutes", "minute", "minimum"],
    "max": ["maximum"], "h": ["hours", "hour"], "hr": ["hours", "hour"], "hrs": ["hours"],
    "km": ["kilometers", "kilometer"], "cm": ["centimeters", "centimeter"],
    "mm": ["millimeters", "millimeter"], "kg": ["kilograms", "kilogram"], "g": ["grams", "gram"],
    "ghz": ["gigahertz"], "mhz": ["megahertz"],
    "jan": ["january"], "feb": ["february"], "mar": ["march"], "apr": ["april"], "jun": ["june"],
    "jul": ["july"], "aug": ["august"], "sep": ["september"], "sept": ["september"], "oct": ["october"],
    "nov": ["november"], "dec": ["december"],
}  # fmt: skip
#: Words that may be spoken for signs.
SIGNS = {
    "%": "percent per cent prozent pour ciento cento", "&": "and und et y e ampersand", "&&": "double",
    "+": "plus mas", "=": "equals is equal to gleich egal igual", "==": "double triple", "!=": "not",
    "≠": "not is equal to", "≤": "less than or equal to", "≥": "greater than or equal to", "→": "arrow to",
    "×": "times by", "÷": "divided by", "±": "plus or minus", "$": "dollar dollars", "€": "euro euros",
    "£": "pound pounds", "#": "sharp hash number", "@": "at", "/": "slash per or over",
    "*": "star asterisk times", "<": "less than", ">": "greater than", "^": "to the power of caret",
    "(": "of big open paren parenthesis", "_": "underscore", ")": "close paren parenthesis",
    "-": "dash hyphen minus to", "–": "dash to", "—": "dash", "°": "degrees degree", ":": "colon to",
    ".": "dot point", "~": "tilde about", "|": "pipe or bar", "||": "double", "{": "open brace",
    "}": "close brace", "[": "open bracket", "]": "close bracket", "\\": "backslash", '"': "quote unquote",
    ",": "comma",
}  # fmt: skip
