"""Limits how many streams of server-sent events are open: each one costs memory and polls Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from .problem import Problem

#: The most streams that are open at the same time.
_MOST = 100

#: For nginx, which would collect some kilobytes before it passes events on.
_PASS_ON = {"X-Accel-Buffering": "no"}


class Streams:
    """The open streams of this process."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._open = 0
        #: Set by the next call of `end_all`.
        self._end = asyncio.Event()

    def response(self, events: AsyncIterator[str]) -> StreamingResponse:
        """Return the response that sends these events. It raises Problem if too many streams are open."""
        return _Response(self, self._until_ended(events))

    def end_all(self) -> None:
        """End the open streams. Their clients ask again."""
        self._end.set()
        self._end = asyncio.Event()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count a stream as open inside the block. Raises Problem."""
        if self._open >= self._most:
            raise Problem(503, f"{self._most} event streams are already open")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def _until_ended(self, events: AsyncIterator[str]) -> AsyncIterator[str]:
        end = asyncio.ensure_future(self._end.wait())
        following = asyncio.ensure_future(anext(events, None))
        try:
            while True:
                await asyncio.wait((following, end), return_when=asyncio.FIRST_COMPLETED)
                if end.done() or (event := following.result()) is None:
                    return
                yield event
                following = asyncio.ensure_future(anext(events, None))
        finally:
            end.cancel()
            following.cancel()


class _Response(StreamingResponse):
    """Counts itself when it is sent, which happens in one thread: routes are called in many at once."""

    def __init__(self, streams: Streams, events: AsyncIterator[str]) -> None:
        super().__init__(events, headers=_PASS_ON, media_type="text/event-stream")
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.one_more():
            await super().__call__(scope, receive, send)
