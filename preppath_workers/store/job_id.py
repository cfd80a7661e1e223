"""The ids of jobs: made, or chosen by a producer."""

from __future__ import annotations

import os
import re
import time

#: Crockford's base 32, as in the ULID specification: no I, L, O or U.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

#: Two of its digits for each ten bits.
_DIGITS = [high + low for high in _ALPHABET for low in _ALPHABET]

#: A digit for each byte, made of its five lowest bits.
_RANDOM_DIGITS = _ALPHABET.encode() * 8

#: What an id looks like.
ID = "[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}"
_ID = re.compile(ID)


def new_id() -> str:
    """A ULID: 26 characters that sort by the time they were made (48 bits of ms, 80 of randomness).

    Layout: https://github.com/ulid/spec
    """
    ms = time.time_ns() // 1_000_000
    made = _DIGITS[ms >> 40] + _DIGITS[ms >> 30 & 1023] + _DIGITS[ms >> 20 & 1023]
    # Not digit by digit: between two jobs, an idle program's tables leave the CPU's caches.
    random = os.urandom(16).translate(_RANDOM_DIGITS).decode("ascii")
    return made + _DIGITS[ms >> 10 & 1023] + _DIGITS[ms & 1023] + random


def is_valid_id(job_id: str) -> bool:
    """Whether a producer may choose this id: 1 to 128 of A-Z a-z 0-9 . _ : @ / + = -, letter or digit first.

    It stands in key names and on command lines, and no JSON object looks like it.
    """
    return _ID.fullmatch(job_id) is not None
