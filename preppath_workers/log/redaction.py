"""Removes secrets from text and values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def redact(text: str, secrets: Sequence[str]) -> str:
    """Return the text with every secret replaced by `***`."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


class Redactor:
    """Replaces secrets, also in their JSON spelling."""

    def __init__(self, secrets: Sequence[str]) -> None:
        # Longest first, because one secret may be a part of another.
        spelled = {
            spelling
            for secret in secrets
            for spelling in (
                secret,
                *(json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)),
            )
        }
        self._spelled = sorted(spelled, key=len, reverse=True)

    def finds_in(self, text: str) -> bool:
        """Return whether the text, or the JSON of a value, contains a secret."""
        return any(secret in text for secret in self._spelled)

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        return redact(text, self._spelled)

    def value(self, value: Any) -> Any:
        """Return a copy for JSON without secrets. Raises RecursionError if it is nested too deeply."""
        match value:
            case str():
                return self.text(value)
            case None | bool() | int() | float():
                return value
            case dict():
                return {self._key(name): self.value(each) for name, each in value.items()}
            case list() | tuple():
                return [self.value(each) for each in value]
        return self.text(str(value))

    def _key(self, name: Any) -> Any:
        return self.text(name) if isinstance(name, str) else name
