"""HTTP plumbing: requests from sockets, responses to sockets. Independent of the API."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl

from werkzeug.datastructures import FileStorage
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from tests.fake_openai.realtime.socket import WebSocket

from .errors import ApiError

#: Where a connection is cut: before the response, half-way through its body, or (Realtime) after it.
Cut = Literal["before", "middle", "after"]


@dataclass(frozen=True)
class Form:
    """A multipart form."""

    fields: Mapping[str, str]
    files: Mapping[str, FileStorage]


@dataclass(frozen=True)
class Request:
    """A complete request. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises ApiError (400)."""
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise ApiError(400, "The body of the request is not a JSON object.")
        return value

    @property
    def json_list(self) -> list[dict[str, Any]]:
        """The body as a JSON array of objects. Raises ApiError (400)."""
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise ApiError(400, "The body of the request is not a JSON array of objects.")
        return value

    @cached_property
    def form(self) -> Form:
        """The body as a multipart form. Raises ApiError (400)."""
        kind, options = parse_options_header(self.headers.get("content-type"))
        if kind != "multipart/form-data":
            raise ApiError(400, "The body of the request is not multipart/form-data.")
        parser = FormDataParser(silent=False)
        try:
            _, fields, files = parser.parse(io.BytesIO(self.body), kind, len(self.body), options)
        except ValueError as error:
            raise ApiError(400, "The multipart body of the request cannot be read.") from error
        return Form(fields.to_dict(), files.to_dict())

    @property
    def is_form(self) -> bool:
        return self.headers.get("content-type", "").startswith("multipart/")


@dataclass(frozen=True)
class Response:
    """A response, or the start of a WebSocket."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: Cut | None = None
    #: Called to continue on the same connection as a WebSocket.
    upgrade: Callable[[WebSocket], None] | None = None


def json_response(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value).encode(), status)


def serve(application: Callable[[Request], Response], host: str, port: int) -> ThreadingHTTPServer:
    """Return a listening server that answers once `serve_forever` runs; `port` 0: any free one."""

    class Handler(_Handler):
        answer = staticmethod(application)

    return _Server((host, port), Handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answer: Callable[[Request], Response]

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # the client disconnected
            self.close_connection = True

    def _respond(self) -> None:
        path, _, query = self.path.partition("?")
        request = Request(
            self.command,
            path,
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(int(self.headers.get("Content-Length", 0))),
            dict(parse_qsl(query)),
        )
        response = self.answer(request)
        if response.cut == "before":
            self._hang_up()
            return
        if response.upgrade:
            self.close_connection = True
            response.upgrade(WebSocket(self.connection, self.path, request.headers))
            return
        self.send_response(response.status)
        headers = {"Content-Type": response.content_type, "Content-Length": str(len(response.body))}
        for name, value in {**headers, **response.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if response.cut == "middle":
            self.wfile.write(response.body[: len(response.body) // 2])
            self._hang_up()
            return
        self.wfile.write(response.body)

    do_GET = do_POST = do_DELETE = _respond  # noqa: N815 - http.server's names

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """No-op: `GET /control/calls` returns the calls."""
