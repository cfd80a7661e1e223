"""TLS in front of a server of plain TCP."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from .certificates import make_certificate
from .process import HOST


class TlsProxy:
    """Passes each connection to the port on loopback."""

    def __init__(self, target: int) -> None:
        self._target = target
        #: For a client: where OpenAI's API is, and what to trust.
        self.variables: Mapping[str, str] = {}

    @contextmanager
    def running(self) -> Iterator[TlsProxy]:
        """Serve in a thread inside the block."""
        loop = asyncio.new_event_loop()
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(Path(folder), "proxy")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            server = loop.run_until_complete(
                asyncio.start_server(self._serve, HOST, 0, ssl=context, backlog=1000)
            )
            port = server.sockets[0].getsockname()[1]
            self.variables = {
                "OPENAI_BASE_URL": f"https://{HOST}:{port}/v1",
                "SSL_CERT_FILE": str(certificate),
            }
            thread = threading.Thread(target=loop.run_forever, daemon=True)
            thread.start()
            try:
                yield self
            finally:
                loop.call_soon_threadsafe(loop.stop)
                thread.join()
                server.close()
                loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            backend_reader, backend_writer = await asyncio.open_connection(HOST, self._target)
            await asyncio.gather(_copy(reader, backend_writer), _copy(backend_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
    writer.close()
