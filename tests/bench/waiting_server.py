"""An HTTP server that answers each request after some seconds, and counts how many wait."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.support.asyncio_server import serving
from tests.support.process import HOST

_COMPLETION = {
    "id": "c1",
    "object": "chat.completion",
    "created": 0,
    "model": "any",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{}"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
_BODY = json.dumps(_COMPLETION).encode()
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY
)


class WaitingServer:
    """Answers each request like OpenAI's chat completions."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.url = ""
        self.in_flight = self.most_in_flight = self.answered = 0
        #: Seconds of the monotonic clock: the first request, and the last answer.
        self.first_at = self.last_at = 0.0

    @contextmanager
    def running(self) -> Iterator[WaitingServer]:
        """Serve in a thread inside the block."""
        with serving(self._serve) as port:
            self.url = f"http://{HOST}:{port}/v1"
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
                    await reader.readexactly(int(length[1]))
                self.first_at = self.first_at or time.monotonic()
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                await asyncio.sleep(self._seconds)
                self.in_flight -= 1
                writer.write(_ANSWER)
                await writer.drain()
                self.answered += 1
                self.last_at = time.monotonic()
        writer.close()
