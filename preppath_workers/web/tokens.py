"""Bearer tokens: random, stored as SHA-256, compared in constant time.

A fast hash is right here: the tokens are 32 random bytes, so guessing them is hopeless.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable

from ..config.web import Scope, Token


def new_token(name: str, scopes: Iterable[Scope]) -> tuple[str, str]:
    """Return a new token, and its entry for WEB_TOKENS."""
    token = secrets.token_urlsafe(32)
    return token, f"{name}:{'+'.join(scopes)}:{_digest(token)}"


def find_token(tokens: Iterable[Token], authorization: str) -> Token | None:
    """Return the token of an Authorization header; None if it isn't one of `tokens`."""
    scheme, _, presented = authorization.partition(" ")
    digest = _digest(presented.strip())
    found = None
    for token in tokens:  # compares all of them, so that the time reveals nothing
        if hmac.compare_digest(token.digest, digest) and scheme.lower() == "bearer":
            found = token
    return found


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
