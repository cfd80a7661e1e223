"""An HTTP answer that a proxy gives in place of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus

#: Seconds in which a client must read the answer and close.
_PATIENCE = 5.0


class Answer:
    """The answer to requests of the given methods, to all if none is given."""

    def __init__(
        self, status: int, body: str, content_type: str = "application/json", methods: Sequence[str] = ()
    ) -> None:
        self._status = HTTPStatus(status)
        self._body = body.encode()
        self._content_type = content_type
        self._methods = methods

    def concerns(self, beginning: bytes) -> bool:
        """Whether it answers the request that begins so."""
        return not self._methods or beginning.partition(b" ")[0].decode() in self._methods

    async def give(
        self, beginning: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer, and wait until the client has read it: closing before it has sent its whole request could
        make it miss the answer."""
        body = b"" if beginning.startswith(b"HEAD ") else self._body
        head = (
            f"HTTP/1.1 {self._status.value} {self._status.phrase}\r\n"
            f"Content-Type: {self._content_type}\r\n"
            f"Content-Length: {len(self._body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        with suppress(OSError, TimeoutError):
            await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
            async with asyncio.timeout(_PATIENCE):
                while await reader.read(2**16):
                    pass
