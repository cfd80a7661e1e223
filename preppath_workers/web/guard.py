"""Refuses requests before they reach a route: wrong host, foreign origin, missing token, read-only server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from ..config.web import SCOPES, Scope
from ..log import fields
from .access import Access
from .problem import Problem
from .sessions import Sessions
from .tokens import find_token

logger = logging.getLogger(__name__)

_SAFE = ("GET", "HEAD", "OPTIONS")
#: Paths that need no token: a load balancer has none, nor has a browser that signs in.
_OPEN = ("/healthz", "/readyz", "/sign-in", "/sign-out")
_OPEN_FOLDER = "/static/"
#: Changes of the browser's session only.
_SESSION = ("/sign-in", "/sign-out")
#: The paths of programs; all others are those of a browser.
_API = "/api/"
#: The paths of producers.
_ENQUEUE = "/api/v1/jobs"

#: Bytes of a request's body: a job's largest data, and what JSON may add to it.
MAX_BODY = 1_200_000
#: Seconds that a body may take to arrive.
_BODY_SECONDS = 30.0

_HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    (b"x-content-type-options", b"nosniff"),
    # Without a referrer at all, browsers would send no Origin with forms either.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


@dataclass(frozen=True)
class Caller:
    """Whose request it is, and what it may do. Routes find it as `request.state.caller`."""

    name: str
    scopes: frozenset[Scope]
    #: Whether it comes from a browser that has signed in.
    has_session: bool = False


#: Without tokens, everyone who can reach the server may do everything.
_ANYONE = Caller("anyone on this machine", frozenset(SCOPES))


class Guard:
    """ASGI middleware. Each accepted change over the API is logged with the name of its token.

    Args:
        refusal: makes the response to a refused request.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        read_only: bool,
        sessions: Sessions,
        refusal: Callable[[Request, Problem], Response],
    ) -> None:
        self._app = app
        self._access = access
        self._read_only = read_only
        self._sessions = sessions
        self._refusal = refusal

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with the refusal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            request.state.caller = self._check(request)
        except Problem as problem:
            await self._refusal(request, problem)(scope, receive, _with_headers(send))
            return
        if request.method not in _SAFE and routed_path(request).startswith(_API):
            who = request.state.caller.name
            details = fields(method=request.method, path=routed_path(request), who=who)
            logger.info("Change requested over HTTP", extra=details)
        await self._app(scope, _limited(receive), _with_headers(send))

    def _check(self, request: Request) -> Caller:
        """Return whose request it is. Raises Problem."""
        self._check_host(request)
        path, changes = routed_path(request), request.method not in _SAFE
        token = find_token(self._access.tokens, request.headers.get("authorization", ""))
        session = None if token else self._sessions.find(request, self._access.tokens)
        if changes:
            _check_origin(request, is_required=session is not None or not path.startswith(_API))
            if self._read_only and path not in _SESSION:
                raise Problem(405, "this server is read-only")
            if not 0 <= _announced(request) <= MAX_BODY:
                raise Problem(413, f"the body is larger than {MAX_BODY:,} bytes")
        else:
            _check_embedding(request)
        if not self._access.tokens or path in _OPEN or path.startswith(_OPEN_FOLDER):
            return _ANYONE
        token = token or session
        if token is None:
            raise Problem(401, "expected a header `Authorization: Bearer TOKEN`")
        needed = _needed(request, changes)
        if needed not in token.scopes:
            raise Problem(403, f"the token {token.name} lacks the scope {needed}")
        return Caller(token.name, token.scopes, session is not None)

    def _check_host(self, request: Request) -> None:
        """Refuse unknown host names, against DNS rebinding. That needs a browser, which sends the header, and
        a name: addresses pass, and probes in HTTP/1.0 without the header."""
        if "host" not in request.headers:
            return
        host = request.headers["host"].lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name not in {"localhost", *self._access.hosts} and not _is_address(name):
            raise Problem(421, "unknown host: name it in WEB_HOSTS")


def routed_path(request: Request) -> str:
    """Return the path by which the request is routed: that of `request.url` depends on the Host header."""
    return str(request.scope["path"])


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        return False


def _announced(request: Request) -> int:
    """Return the body's length; 0 if it comes in chunks, which are counted as they arrive."""
    length = request.headers.get("content-length", "0")
    return int(length) if length.isdecimal() else -1


def _needed(request: Request, changes: bool) -> Scope:
    if not changes:
        return "read"
    return "enqueue" if routed_path(request).rstrip("/").rpartition("/")[0] == _ENQUEUE else "admin"


def _check_origin(request: Request, is_required: bool) -> None:
    """Refuse changes that another site's page makes a browser send. Programs send neither header."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        allowed = site == "same-origin" or (site == "none" and not is_required)
    elif origin is not None:
        allowed = origin.partition("://")[2] == request.headers.get("host")
    else:
        allowed = not is_required
    if not allowed:
        raise Problem(403, "changes are not accepted from another site")


def _check_embedding(request: Request) -> None:
    """Refuse what another site's page loads. It could read nothing, but open streams and cause work. Links
    from there are allowed."""
    if (
        request.headers.get("sec-fetch-site") in ("cross-site", "same-site")
        and request.headers.get("sec-fetch-mode", "navigate") != "navigate"
    ):
        raise Problem(403, "a page of another site may link here, and load nothing from here")


def _limited(receive: Receive) -> Receive:
    """Count the body as it arrives: its length need not be announced, and it may never end.

    It raises no Problem, because FastAPI would turn that into another error.
    """
    taken, until, is_complete = 0, time.monotonic() + _BODY_SECONDS, False

    async def limited() -> Message:
        nonlocal taken, is_complete
        if is_complete:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise HTTPException(408, f"the body did not arrive within {_BODY_SECONDS:.0f} s") from None
        taken += len(message.get("body", b""))
        if taken > MAX_BODY:
            raise HTTPException(413, f"the body is larger than {MAX_BODY:,} bytes")
        is_complete = not message.get("more_body", False)
        return message

    return limited


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present: Sequence[tuple[bytes, Any]] = message.setdefault("headers", [])
            names = {name.lower() for name, _ in present}
            message["headers"] = [*present, *(header for header in _HEADERS if header[0] not in names)]
        await send(message)

    return with_headers
