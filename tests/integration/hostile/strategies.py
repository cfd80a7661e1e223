"""Hypothesis strategies: hostile text, JSON and HTTP."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from .entries import TEXTS

#: Includes lone surrogates, which JSON can express.
ANY_TEXT = st.text(st.characters(), max_size=60)
TEXT = st.sampled_from([text for text in TEXTS if len(text) < 1_000]) | ANY_TEXT

SCALARS = st.none() | st.booleans() | st.integers() | st.integers(10**300, 10**400) | st.floats() | TEXT
#: Any JSON value, including NaN and infinity.
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def objects(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects with some of these fields, some others, and any values."""
    return st.dictionaries(st.sampled_from(names) | TEXT, JSON, max_size=8)


def mutated(valid: bytes) -> st.SearchStrategy[bytes]:
    """The bytes with one piece replaced by another."""
    ends = st.integers(0, len(valid))
    return st.builds(
        lambda start, end, piece: valid[: min(start, end)] + piece + valid[max(start, end) :],
        ends, ends, st.binary(max_size=12),
    )  # fmt: skip


def bodies(*names: str) -> st.SearchStrategy[bytes]:
    """Bodies of an answer: any JSON, broken JSON, and other bytes."""
    good = (objects(*names) | JSON).map(lambda value: json.dumps(value).encode())
    deep = st.integers(1, 60_000).map(lambda depth: b"[" * depth + b"]" * depth)
    return good | st.binary(max_size=200) | deep | good.flatmap(mutated) | st.just(b"1" * 5_000)


HEADER_VALUES = (
    st.binary(max_size=40).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b""))
    | st.sampled_from(
        [b"gzip", b"br", b"deflate", b"chunked", b"application/json", b"text/html", b"-1", b"9" * 30]
    )
    | st.integers(-5, 10**12).map(lambda number: str(number).encode())
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *(
                "Content-Type",
                "Content-Encoding",
                "Transfer-Encoding",
                "Set-Cookie",
                "Location",
                "Date",
                "ETag",
            ),
            *("Retry-After", "retry-after-ms", "x-request-id", "Last-Modified", "Expires", "Connection", "X"),
            *("x-amz-meta-sha256", "x-amz-meta-seconds", "x-amz-mp-parts-count", "x-amz-request-id"),
        ]
    ),
    HEADER_VALUES,
    max_size=4,
)
STATUSES = (200, 200, 200, 204, 206, 302, 307, 400, 401, 404, 409, 429, 500, 503, 599, 999)


@st.composite
def http_answers(
    draw: st.DrawFn, body: st.SearchStrategy[bytes], statuses: Sequence[int] = STATUSES
) -> bytes:
    """A whole answer: mostly HTTP, with a right or wrong length."""
    content, headers = draw(body), draw(HEADERS)
    length = draw(
        st.sampled_from([str(len(content)), str(len(content)), str(len(content) // 2), "x", "-1", None])
    )
    lines = [f"HTTP/1.1 {draw(st.sampled_from(statuses))} Whatever".encode()]
    lines += [name.encode() + b": " + value for name, value in headers.items()]
    lines += [] if length is None else [f"Content-Length: {length}".encode()]
    whole = b"\r\n".join([*lines, b"", b""]) + content
    return draw(st.just(whole) | st.just(whole) | mutated(whole))
