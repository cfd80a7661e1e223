"""Browser sessions: a cookie with a random id stands for a token that was presented once.

They are kept in this process alone, so a restart ends them, and the browser never stores the token.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response

from ..config.web import Token

#: Seconds after which a session ends.
_SECONDS = 12 * 3600
#: The most sessions; the oldest one ends if there is another.
_MOST = 1_000
#: Over TLS the browser itself guarantees that no other host has set the cookie.
_COOKIE, _SECURE_COOKIE = "preppath", "__Host-preppath"


class Sessions:
    """The sessions of this server."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens: OrderedDict[str, tuple[Token, float]] = OrderedDict()

    def start(self, token: Token, request: Request, response: Response) -> None:
        """Start a session, and make the browser keep its id."""
        session_id = secrets.token_urlsafe(32)
        self._tokens[_digest(session_id)] = token, self._clock() + _SECONDS
        while len(self._tokens) > _MOST:
            self._tokens.popitem(last=False)
        # TLS ends in front of this server; a browser names the scheme it uses in Origin.
        secure = request.headers.get("origin", "").startswith("https:")
        response.set_cookie(
            _SECURE_COOKIE if secure else _COOKIE,
            session_id,
            max_age=_SECONDS,
            secure=secure,
            httponly=True,
            samesite="strict",
        )

    def find(self, request: Request, tokens: Sequence[Token]) -> Token | None:
        """Return the one of these tokens that the request's session stands for; None without a session."""
        for name in (_SECURE_COOKIE, _COOKIE):
            token, until = self._tokens.get(_digest(request.cookies.get(name, "")), (None, 0.0))
            if token in tokens and self._clock() < until:
                return token
        return None

    def end(self, request: Request, response: Response) -> None:
        """End the request's session."""
        for name in (_SECURE_COOKIE, _COOKIE):
            self._tokens.pop(_digest(request.cookies.get(name, "")), None)
            response.delete_cookie(name, secure=name == _SECURE_COOKIE, httponly=True, samesite="strict")


def _digest(session_id: str) -> str:
    return hashlib.sha256(session_id.encode("utf-8", "surrogateescape")).hexdigest()
