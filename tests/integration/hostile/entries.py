"""Some hundred malicious or malformed entries for the list `wait`, as bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import cycle
from random import Random
from typing import Any

#: Python parses about 900 nested brackets, Lua 1,000.
DEPTHS = (10, 500, *range(880, 1_010, 10), 5_000, 100_000)

TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "\udfff\ud800", "\u202egnol", "\ufeff", "\r\n\r\n", "\x1b[2J", "é" * 201,
    "x" * 999_000, "../../etc/passwd", "'; DROP TABLE interviews; --", "{{7*7}}", "%s%n%00", "${HOME}", "NaN",
)  # fmt: skip

VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**53 + 1, 10**400, 1e308, -0.0, [], {}, [[]], {"": {}}, ["q1"], {"$ne": None}, *TEXTS,
)  # fmt: skip

NOT_OBJECTS = (
    b"", b" ", b"\0", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"q1", b"42", b"null", b"true", b'"{}"', b"[{}]",
    b"{", b"}", b"{]", b"{}{}", b'{"a":1,}', b"{'a':1}", b'{"a":01}', b'{"a":"\x01"}', b'\xef\xbb\xbf{"a":1}',
    b"{a:1}", b"*3\r\n$3", '{"a":1}'.encode("utf-16"), b"raw-1000000-1", b"preppath:{tts}:wait",
    b"x" * 100_000, b"\x80\x04\x95pickle.",
)  # fmt: skip

NUMBERS = ("NaN", "-Infinity", "1e999", "1" * 5_000, "0x10", "-", "1_000", "-0", "1E+5")


def hostile(valid: Mapping[str, Any], random: Random) -> list[bytes]:
    """Return the entries for a queue whose jobs look like `valid`, with some valid ones, shuffled."""
    found = [*_fields(valid), *_numbers(valid), *[encoded(valid)] * 10]
    random.shuffle(found)
    return found


def malformed(valid: Mapping[str, Any], random: Random) -> list[bytes]:
    """Return entries that the queue itself must handle, whatever its jobs look like: not JSON, too long, too
    deeply nested."""
    found = [*NOT_OBJECTS, *_noise(random, 40), *_large(valid)]
    return [*found, *(entry for depth in DEPTHS for entry in _deep(valid, depth))]


def encoded(value: Any) -> bytes:
    """Return JSON, also of values that our producers refuse."""
    return json.dumps(value).encode()


def _with(valid: Mapping[str, Any], name: str, value: str | bytes) -> bytes:
    """Return the JSON of `valid` with one more field, which is inserted unchanged."""
    value = value.encode() if isinstance(value, str) else value
    return encoded(valid)[:-1] + f', "{name}": '.encode() + value + b"}"


def _fields(valid: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield objects with one field wrong, missing or duplicate, and with unknown fields.

    Each value is in one of the fields; `tests/unit/test_validation.py` tries each kind in each field.
    """
    for name in valid:
        yield encoded({field: value for field, value in valid.items() if field != name})
        yield _with(valid, name, "7")
    for name, value in zip(cycle(valid), VALUES, strict=False):
        yield encoded({**valid, name: value})
    yield encoded({**valid, "__class__": "x", "id": "mine", "state": "completed", "\ud800": 1, "a\nb": 2})
    yield encoded({**valid, "x" * 900_000: 1})


def _numbers(valid: Mapping[str, Any]) -> Iterator[bytes]:
    for number in NUMBERS:
        yield _with(valid, "speed", number)
        yield _with(valid, "at", number)


def _noise(random: Random, count: int) -> Iterator[bytes]:
    for _ in range(count):
        noise = random.randbytes(random.randrange(1, 200))
        yield random.choice([noise, b"{" + noise + b"}", b'{"questionId":"' + noise + b'"}'])


def _large(valid: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield entries just below the limit of a job's data, just above it, and far above it."""
    for size in (999_900, 1_000_001, 5_000_000):
        yield _with(valid, "more", b'"' + b"x" * (size - len(_with(valid, "more", '""'))) + b'"')
    yield b"x" * 5_000_000


def _deep(valid: Mapping[str, Any], depth: int) -> Iterator[bytes]:
    yield _with(valid, "result", b'{"a":' * depth + b"1" + b"}" * depth)
    yield _with(valid, "text", b"[" * depth + b"]" * depth)
