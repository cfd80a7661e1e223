"""What handlers and their steps return, as the JSON that is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...errors import PermanentError
from ...store.json_text import encode_with

#: Bytes of a result's JSON: Redis keeps it in memory and is blocked while it copies it.
_MAX_RESULT_BYTES = 1_000_000


def _plain(value: object) -> dict[Any, Any]:
    """Return a mapping as a dict. Raises TypeError for any other value that JSON cannot hold."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"it contains a value of type {type(value).__name__}")


_compact = encode_with(
    json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=_plain)
)


def encode(value: object, what: str) -> str:
    """Return the value as JSON in ASCII. `what` it is, for the error. Raises PermanentError if it isn't JSON:
    another attempt would return the same."""
    try:
        return _compact(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise PermanentError(f"cannot store {what} ({type(value).__name__}) as JSON: {error}") from error


def encode_result(result: object) -> str:
    """Return the handler's result as JSON. Raises PermanentError if it isn't JSON or is too large."""
    encoded = encode(result, "the handler's result")
    if len(encoded) > _MAX_RESULT_BYTES:  # ASCII, so characters are bytes
        raise PermanentError(
            f"cannot store the handler's result: {len(encoded):,} bytes of JSON, "
            f"at most {_MAX_RESULT_BYTES:,} are allowed"
        )
    return encoded


def encode_step(name: str, value: object) -> str:
    """Return the result of a step as JSON. Raises PermanentError if it isn't JSON."""
    return encode(value, f"the result of step {name}")
