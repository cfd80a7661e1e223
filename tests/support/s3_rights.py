"""S3 for a user without the right s3:ListBucket, which moto doesn't know: in place of 404, S3 answers 403."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

#: AWS's message to users of the bucket's account and organization.
NAMES_RIGHT = (
    "User: arn:aws:iam::123456789012:user/w is not authorized to perform: s3:ListBucket on resource: "
    '"arn:aws:s3:::bucket" because no identity-based policy allows the s3:ListBucket action'
)
#: AWS's message to users of other accounts, and that of other servers.
NAMES_NOTHING = "Access Denied"


def denied(message: str) -> bytes:
    """Return S3's answer to a user who lacks a right."""
    return f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>".encode()


@contextmanager
def without_list_right(endpoint: str, message: str) -> Iterator[str]:
    """Run a proxy of an S3 until the block ends; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # sends "100 Continue", for which boto3 would wait a second

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name != "Expect"}
            answer = requests.request(
                self.command, endpoint + self.path, data=body, headers=headers, timeout=10
            )
            is_missing = answer.status_code == 404
            content = denied(message) if is_missing else answer.content
            self.send_response(403 if is_missing else answer.status_code)
            for name, value in answer.headers.items():
                if name.lower().startswith(("etag", "x-amz-", "content-type", "last-modified")):
                    self.send_header(name, value)
            length = answer.headers["Content-Length"] if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_DELETE = forward  # noqa: N815 - http.server's names

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
