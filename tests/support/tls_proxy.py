"""TLS in front of a server of plain TCP."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from .asyncio_server import serving
from .certificates import make_certificate
from .process import HOST


class TlsProxy:
    """Passes each connection to the port on loopback."""

    def __init__(self, target: int) -> None:
        self._target = target
        #: Where it listens while it runs.
        self.port = 0
        #: For a client: where OpenAI's API is, and what to trust.
        self.variables: Mapping[str, str] = {}

    @contextmanager
    def running(self) -> Iterator[TlsProxy]:
        """Serve in a thread inside the block."""
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(Path(folder), "proxy")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            with serving(self._serve, context) as self.port:
                self.variables = {
                    "OPENAI_BASE_URL": f"https://{HOST}:{self.port}/v1",
                    "SSL_CERT_FILE": str(certificate),
                }
                yield self

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
