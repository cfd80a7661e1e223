"""Check that the bucket can be written and read, also through a signed URL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...config.model import StorageConfig
from ...errors import JobError
from .findings import Finding

if TYPE_CHECKING:
    from ...clients.s3.client import Storage

#: Seconds to connect, and for each answer.
_TIMEOUT = 5.0

#: Validity of the signed URL, seconds.
_URL_LIFE = 60


def check_storage(config: StorageConfig) -> Iterator[Finding]:
    """Upload an object, download it through a signed URL, and delete it."""
    import requests  # imported here, because other commands do not need it

    from ...clients.s3.client import Storage

    storage = Storage(config, connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT)
    what = f"bucket {config.bucket}"
    key, body = f"check/{secrets.token_hex(8)}", secrets.token_bytes(16)
    try:
        storage.upload(key, body, "application/octet-stream")
        yield Finding("ok", what, "is writable")
        url = storage.signed_url(key, _URL_LIFE)
        answer = requests.get(url, timeout=_TIMEOUT)
        if answer.content != body:
            yield Finding("error", "signed URLs", f"cannot be downloaded: status {answer.status_code}")
        elif "X-Amz-Security-Token=" in url:
            detail = "end within hours, with the temporary credentials that sign them: see S3_ACCESS_KEY_ID"
            yield Finding("warning", "signed URLs", detail)
        else:
            yield Finding("ok", "signed URLs", "can be downloaded")
        storage.delete(key)
        yield _missing_objects(storage, key)
    except JobError as error:
        yield Finding("error", what, str(error))
    except requests.RequestException as error:
        yield Finding("error", "signed URLs", f"cannot be downloaded: {type(error).__name__}")
    finally:
        storage.close()


def _missing_objects(storage: Storage, key: str) -> Finding:
    """Check that a missing object is distinguishable from a forbidden one: `tts` looks a speech up first."""
    try:
        is_shown = storage.shows_missing(key)
    except JobError as error:
        failing = "every tts job fails, and each transcription whose file is missing looks like an outage"
        return Finding("error", "missing objects", f"cannot be recognized, so {failing}: {error}")
    if not is_shown:
        detail = "are recognized only by S3's message: grant s3:ListBucket"
        return Finding("warning", "missing objects", detail)
    return Finding("ok", "missing objects", "are distinguishable from forbidden ones")
