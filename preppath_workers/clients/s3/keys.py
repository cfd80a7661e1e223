"""Ids in S3 keys."""

from __future__ import annotations

import re

#: Characters that end a segment, or have a meaning for a server, a proxy or the file system behind it.
_SPECIAL = re.compile(r"[\x00-\x1f\x7f/\\%]")


def key_segment(text: str) -> str:
    """Return the id as one segment of a key: no other id has the same one, and none leaves its folder.

    `/`, `\\`, `%` and control characters are percent-encoded, and so are the dots of `.` and `..`, which HTTP
    clients and servers resolve.
    """
    quoted = _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", text)
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")
