"""ETags for clients that poll: an unchanged answer isn't sent again."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from fastapi import Header, Response

#: Seconds after which a client that polls should ask again: for a job or group, a queue, and costs.
POLL_JOB, POLL_QUEUE, POLL_COSTS = 1, 2, 10

#: The version that the client has.
Known = Annotated[str | None, Header(alias="If-None-Match")]

#: For OpenAPI.
NOT_CHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "unchanged since the version in If-None-Match"},
}


def as_json(value: object) -> tuple[str, str]:
    """Return the value as JSON, and a version that changes with it."""
    body = json.dumps(value)
    return body, hashlib.sha256(body.encode()).hexdigest()[:16]


def polled(value: object, known: str | None, poll_after: int | None) -> Response:
    """Return the value as JSON with its ETag; 304 without it if it is `known`.

    Args:
        poll_after: seconds after which it may be worth asking again; None if it will not change.
    """
    body, version = as_json(value)
    headers = {"ETag": f'"{version}"'}
    if poll_after is not None:
        headers["Retry-After"] = str(poll_after)
    tags = {tag.strip().removeprefix("W/") for tag in (known or "").split(",")}
    if tags & {"*", headers["ETag"]}:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
