"""Limits how many streams of server-sent events are open: each one costs memory and polls Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from .problem import Problem

#: The most streams that are open at the same time.
_MOST = 100


class Streams:
    """The open streams of this process."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._open = 0
        #: Counts the calls of `end_all`.
        self._ended = 0

    def response(self, events: AsyncIterator[str]) -> StreamingResponse:
        """Return the response that sends these events. Raises Problem if too many streams are open."""
        if self._open >= self._most:
            raise Problem(503, f"{self._most} event streams are already open")
        return StreamingResponse(self._counted(events), media_type="text/event-stream")

    def end_all(self) -> None:
        """End the open streams before their next event. Their clients ask again."""
        self._ended += 1

    async def _counted(self, events: AsyncIterator[str]) -> AsyncIterator[str]:
        self._open += 1
        ended = self._ended
        try:
            async for event in events:
                if self._ended != ended:
                    return
                yield event
        finally:
            self._open -= 1
