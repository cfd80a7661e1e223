"""What OpenAI and S3 answer when they refuse: like the real ones, word for word if known."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any

from tests.outages.environment import Environment
from tests.outages.table import Failure, Service

_WRITES = ("PUT", "POST", "DELETE")


def answers(
    environment: Environment, service: Service, answer: dict[str, Any]
) -> AbstractContextManager[None]:
    """The proxy answers in place of the service."""
    return environment.ways.failing(service, "answer", **answer)


def _openai(status: int, message: str, kind: str, code: str | None) -> dict[str, Any]:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return {"status": status, "body": json.dumps({"error": error})}


def _s3(status: int, code: str, message: str, methods: tuple[str, ...] = ()) -> dict[str, Any]:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"
    )
    return {"status": status, "body": body, "content_type": "application/xml", "methods": methods}


ANSWERS: dict[tuple[Service, Failure], dict[str, Any]] = {
    ("openai", "5xx"): _openai(
        503, "The server is overloaded or not ready yet.", "service_unavailable_error", None
    ),
    ("openai", "wrong key"): _openai(
        401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"
    ),
    ("s3", "5xx"): _s3(503, "ServiceUnavailable", "Service is unable to handle request."),
    ("s3", "wrong key"): _s3(
        403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
    ),
    ("s3", "read-only"): _s3(403, "AccessDenied", "Access Denied", _WRITES),
    # MinIO's: Amazon's disks are never full.
    ("s3", "disk full"): _s3(
        507, "XMinioStorageFull", "Storage backend has reached its minimum free drive threshold.", _WRITES
    ),
    ("s3", "clock back"): _s3(
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
    ),
}
