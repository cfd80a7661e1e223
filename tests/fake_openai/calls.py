"""The calls that the server has received."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

from preppath_workers.offline.api.errors import ApiError
from preppath_workers.offline.api.http import Request


class Calls:
    """All calls, oldest first. A call is

    `{"method", "path", "model", "status", "headers", "sha256", "body", "startedAt", "requestId", "charge"}`

    where `status` is None until the response is sent (and stays None if the connection is cut first),
    `charge` is what `ledger.py` returns for it, also if the connection is cut, `sha256` is the digest of the
    raw body, `body` its JSON or form fields (a file as `{"filename", "bytes", "sha256"}`), and `startedAt`
    the UNIX time in seconds. The API key is not kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[dict[str, Any]] = []

    def begin(self, request: Request) -> dict[str, Any]:
        """Record the call; the caller fills in its status."""
        body = _readable(request)
        call = {
            "method": request.method,
            "path": request.path,
            "model": body.get("model") or request.query.get("model"),
            "status": None,
            "headers": {name: value for name, value in request.headers.items() if name != "authorization"},
            "sha256": hashlib.sha256(request.body).hexdigest(),
            "body": body,
            "startedAt": time.time(),
        }
        with self._lock:
            self._calls.append(call)
        return call

    def all(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._calls)

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()


def _readable(request: Request) -> dict[str, Any]:
    try:
        if not request.is_form:
            return request.json if request.body else {}
        form = request.form
    except ApiError:  # the endpoint reports it
        return {}
    files = {}
    for name, file in form.files.items():
        content = file.stream.read()
        file.stream.seek(0)
        digest = hashlib.sha256(content).hexdigest()
        files[name] = {"filename": file.filename, "bytes": len(content), "sha256": digest}
    return {**form.fields, **files}
