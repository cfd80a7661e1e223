"""Renders templates, once as a page and repeatedly as the part of it that is live."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ... import __version__
from ..access import Access
from ..guard import Caller
from ..problem import Problem
from ..streams import Streams
from ..trouble import TROUBLES, trouble_of
from .assets import assets
from .text import FILTERS, FUNCTIONS

Context = Mapping[str, Any]

#: Seconds between two readings of a live page.
_EVERY = 2.0
#: Seconds of silence after which a comment shows that the connection is open.
_KEEP_ALIVE = 15.0
#: Seconds after which the browser has to connect, and to be authorized, again.
_LONGEST = 600.0

_SURROGATE = re.compile("[\ud800-\udfff]")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class Renderer:
    """The templates, and what all of them show."""

    def __init__(self, streams: Streams, read_only: bool, access: Access) -> None:
        self._streams = streams
        self._templates = Environment(
            loader=PackageLoader("preppath_workers.web.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(FILTERS)
        self._templates.globals.update(FUNCTIONS, version=__version__, assets=assets().paths)
        self._templates.globals["parts"] = self._templates.get_template("parts.html").module
        self._read_only = read_only
        self._access = access

    def page(self, request: Request, name: str, context: Context, status: int = 200) -> Response:
        """Return the page; `context["media"]` is an origin that it may load sound from."""
        html = _encodable(self._templates.get_template(name).render(self._common(request), **context))
        media = context.get("media")
        policy = f"{_POLICY}; media-src {media}" if media else _POLICY
        return HTMLResponse(html, status, {"Content-Security-Policy": policy})

    def live(self, request: Request, name: str, load: Callable[[], Context]) -> Response:
        """Return the page, or with `?live` server-sent events with its live part each time it changes."""
        if "live" not in request.query_params:
            return self.page(request, name, load())
        common = self._common(request)

        def render() -> str:
            template = self._templates.get_template(name)
            return _encodable("".join(template.blocks["live"](template.new_context({**common, **load()}))))

        return self._streams.response(_events(render))

    def _common(self, request: Request) -> dict[str, Any]:
        # A request that was refused has no caller.
        caller: Caller | None = getattr(request.state, "caller", None)
        may_change = caller is not None and "admin" in caller.scopes and not self._read_only
        return {
            "caller": caller,
            "path": request.url.path,
            "may_change": may_change,
            "read_only": self._read_only,
            "needs_token": bool(self._access.tokens),
        }


def _encodable(html: str) -> str:
    """Return the page without lone surrogates: what any client has pushed may stand in hidden fields."""
    return _SURROGATE.sub("\ufffd", html)


async def _events(render: Callable[[], str]) -> AsyncIterator[str]:
    yield "retry: 3000\n\n"
    last, sent_at, ends_at = "", time.monotonic(), time.monotonic() + _LONGEST
    while time.monotonic() < ends_at:
        try:
            event = _event("update", await run_in_threadpool(render))
        except TROUBLES as error:
            event = _event("trouble", trouble_of(error))
        except Problem as problem:
            yield _event("gone", problem.detail)
            return
        if event != last:
            yield event
            last, sent_at = event, time.monotonic()
        elif time.monotonic() - sent_at > _KEEP_ALIVE:
            yield ": still here\n\n"
            sent_at = time.monotonic()
        await asyncio.sleep(_EVERY)


def _event(name: str, text: str) -> str:
    return f"event: {name}\n" + "".join(f"data: {line}\n" for line in text.splitlines()) + "\n"
