"""HEAD, which every server should know (RFC 9110) and monitors send."""

from __future__ import annotations

from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send

#: Ends of addresses whose answers don't end: streams of events.
_STREAMS = ("/events",)


class HeadRequests:
    """ASGI middleware: answers HEAD as GET. The server leaves the body out, since it knows the method."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and scope["method"] == "HEAD" and not _is_stream(scope):
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


def with_head(allowed: str) -> str:
    """Return the methods of an `Allow` header, and HEAD wherever there is GET."""
    methods = {method.strip() for method in allowed.split(",")} - {""}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _is_stream(scope: Scope) -> bool:
    return scope["path"].endswith(_STREAMS) or "live" in QueryParams(scope["query_string"])
