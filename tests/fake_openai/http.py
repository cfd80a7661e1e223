"""The HTTP server, with connections that are cut on demand."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Literal

from preppath_workers.offline.api import http

#: Where a connection is cut: before the response, half-way through its body, or (Realtime) after it.
Cut = Literal["before", "middle", "after"]


@dataclass(frozen=True)
class CutResponse(http.Response):
    """A response whose connection is cut."""

    cut: Cut | None = None


class Handler(http.Handler):
    """Sends a CutResponse as far as its cut."""

    def send(self, response: http.Response) -> None:
        cut = response.cut if isinstance(response, CutResponse) else None
        if cut == "middle":
            self.send_head(response)
            self.wfile.write(response.body[: len(response.body) // 2])
        if cut in ("before", "middle"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        super().send(response)
