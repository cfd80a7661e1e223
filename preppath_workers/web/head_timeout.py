"""Closes connections on which no complete request head arrives, or a body goes on after the answer: uvicorn
would wait forever."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Seconds that a client has to send the head of a request.
_LIMIT = 15.0


class HeadTimeoutProtocol(H11Protocol):
    """A connection whose client has to send the head of each request within `limit` seconds, and likewise
    what is left of the body of a request that was answered already."""

    limit = _LIMIT
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Start the timer for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Keep the timer running if the server waits for more."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._stop()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if not self._waits_for_client():
            self._stop()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.limit, self._give_up)

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._waits_for_client() and not self.transport.is_closing():
            self.transport.close()

    def _waits_for_client(self) -> bool:
        """Whether no request is being answered."""
        return self.conn.their_state is h11.IDLE or self.conn.our_state is h11.DONE
