"""Which values are secrets, in each form in which a log could hold them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from . import urls

#: Characters that a value must have to be redacted from logs.
SHORTEST_SECRET = 4


def redactable(words: Iterable[str | None]) -> tuple[str, ...]:
    """Return the words that are long enough, also as Python and JSON quote them, longest first."""
    chosen = {word for word in words if word and len(word) >= SHORTEST_SECRET}
    quoted = {quoted[1:-1] for word in chosen for quoted in (repr(word), json.dumps(word))}
    return tuple(sorted(chosen | quoted, key=lambda word: (-len(word), word)))


def decoded(passwords: Iterable[str]) -> Iterator[str]:
    """Yield each password as it is, and decoded from a URL."""
    for password in passwords:
        yield from (password, unquote(password))


def url_passwords(url: str) -> Iterator[str]:
    """Yield every password in a URL, as encoded there: redis-py and libpq also accept one as a parameter."""
    parts = urls.split(url)
    if parts.password:
        yield parts.password
    for parameter in parts.query.split("&"):
        name, _, value = parameter.partition("=")
        if name.endswith("password") and value:
            yield value
