"""Checks what a handler says that a request used: the sums of the ledger cannot count everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ..config.prices import TOKEN_KINDS
from ..store.arguments import plain_text, whole_number
from .usage import Usage

#: The most tokens, seconds or characters of one request.
_MOST = 10**9
#: Characters of a model's or tier's name, or of a request's id, that are kept.
_LONGEST_NAME = 200


def countable(usage: Usage) -> Usage:
    """Return the usage with plain values. Raises ValueError, which says what is wrong with it."""
    if not isinstance(usage, Usage):
        raise ValueError(f"it must be a Usage, not {usage!r}")
    if not isinstance(usage.tokens, Mapping) or usage.tokens.keys() - TOKEN_KINDS.keys():
        raise ValueError(f"tokens must be numbers by kind ({', '.join(TOKEN_KINDS)}), not {usage.tokens!r}")
    return replace(
        usage,
        model=_name("model", usage.model),
        tokens={kind: whole_number(kind, count, 0, _MOST) for kind, count in usage.tokens.items()},
        seconds=_seconds(usage.seconds),
        characters=whole_number("characters", usage.characters, 0, _MOST),
        reasoning_tokens=whole_number("reasoning_tokens", usage.reasoning_tokens, 0, _MOST),
        tier=_name("tier", usage.tier),
        request_id=None if usage.request_id is None else _name("request_id", usage.request_id),
    )


def _name(name: str, value: Any) -> str:
    """Return the text as the ledger can store it and metrics can show it. Raises ValueError."""
    return plain_text(name, value)[:_LONGEST_NAME].encode(errors="replace").decode()


def _seconds(value: Any) -> Decimal:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if not is_number or not 0 <= float(value) <= _MOST:
        raise ValueError(f"seconds must be a number from 0 to {_MOST:,}, not {value!r}")
    return Decimal(str(value))
