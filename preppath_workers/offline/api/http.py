"""HTTP plumbing: requests from sockets, responses to sockets. Independent of OpenAI's API."""

from __future__ import annotations

import io
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from websockets.exceptions import WebSocketException
from werkzeug.datastructures import FileStorage
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from .errors import SERVER_FAILED, ApiError
from .websocket import WebSocket

#: Bytes of the largest request body; the largest file, 25 MiB, is checked where it is used.
MAX_BODY = 32 * 1024 * 1024
#: Bytes read at a time from a body that is too large.
_CHUNK = 1024 * 1024


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
        value = self._parsed()
        if not isinstance(value, dict):
            raise ApiError(400, "The body of the request is not a JSON object.")
        return value

    @property
    def json_list(self) -> list[dict[str, Any]]:
        """The body as a JSON array of objects. Raises ApiError (400)."""
        value = self._parsed()
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
        """Whether the body claims to be a multipart form."""
        return self.headers.get("content-type", "").startswith("multipart/")

    def _parsed(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Response:
    """A response, or the start of a WebSocket."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Called to continue on the same connection as a WebSocket.
    upgrade: Callable[[WebSocket], None] | None = None


def json_response(value: object, status: int = 200) -> Response:
    """Return a response with the value as JSON."""
    return Response(json.dumps(value).encode(), status)


class Handler(BaseHTTPRequestHandler):
    """Reads a request, has it answered, sends the response. Make a subclass with `answer`."""

    answer: ClassVar[Callable[[Request], Response]]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, WebSocketException):  # the client disconnected or speaks no WebSocket
            self.close_connection = True

    def _respond(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            request = Request(self.command, path, headers, self._body(headers), dict(parse_qsl(query)))
            response = type(self).answer(request)
        except ApiError as error:
            response = json_response(error.body(), error.status)
        except Exception:  # noqa: BLE001 — the client gets an answer, the terminal the traceback
            traceback.print_exc(file=sys.stderr)
            response = json_response(ApiError(500, SERVER_FAILED).body(), 500)
        self.send(response)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _respond  # noqa: N815 — http.server's names

    def send(self, response: Response) -> None:
        """Send the response, or continue as a WebSocket."""
        if response.upgrade:
            self.close_connection = True
            headers = {name.lower(): value for name, value in self.headers.items()}
            response.upgrade(WebSocket(self.connection, self.path, headers))
            return
        self.send_head(response)
        self.wfile.write(response.body)

    def send_head(self, response: Response) -> None:
        """Send the status line and the headers."""
        self.send_response(response.status)
        headers = {"Content-Type": response.content_type, "Content-Length": str(len(response.body))}
        for name, value in {**headers, **response.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, headers: Mapping[str, str]) -> bytes:
        """Read the body. Raises ApiError: 411 without a length, 413 if it is too large."""
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
            self.close_connection = True  # where the body ends is unknown
            raise ApiError(411, "The request needs a Content-Length.")
        left = int(length)
        if left <= MAX_BODY:
            return self.rfile.read(left)
        # A client that still sends would not see the response.
        while left > 0 and (read := self.rfile.read(min(left, _CHUNK))):
            left -= len(read)
        raise ApiError(413, f"Maximum content size limit ({MAX_BODY}) exceeded ({length} bytes read)")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 — http.server's name
        """No-op: applications log requests themselves."""


class Server(ThreadingHTTPServer):
    """A thread for each connection. They do not keep the process from ending."""

    daemon_threads = True
    request_queue_size = 128


def handler(application: Callable[[Request], Response], kind: type[Handler] = Handler) -> type[Handler]:
    """Return a handler class whose requests the application answers."""
    return type("BoundHandler", (kind,), {"answer": staticmethod(application)})
