"""Looks whether the bucket can be written and read, also through a signed URL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...config.model import Config
from ...errors import JobError
from .findings import Finding

if TYPE_CHECKING:
    from ...clients.s3.client import Storage

#: Seconds to connect, and for each answer.
_TIMEOUT = 5.0

#: Seconds that the signed URL is good for.
_URL_LIFE = 60


def check_storage(config: Config) -> Iterator[Finding]:
    """Stores an object, fetches it as a candidate's browser would, and removes it."""
    import requests  # here, for other commands need none of these

    from ...clients.s3.client import Storage

    storage = Storage(config.storage, connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT)
    what = f"bucket {config.storage.bucket}"
    key, body = f"check/{secrets.token_hex(8)}", secrets.token_bytes(16)
    try:
        storage.upload(key, body, "application/octet-stream")
        yield Finding("ok", what, "can be written")
        answer = requests.get(storage.signed_url(key, _URL_LIFE), timeout=_TIMEOUT)
        if answer.content == body:
            yield Finding("ok", "signed URLs", "can be fetched")
        else:
            yield Finding("error", "signed URLs", f"the storage answers {answer.status_code} to one")
        storage.delete(key)
        yield _missing_objects(storage, key)
    except JobError as error:
        yield Finding("error", what, str(error))
    except requests.RequestException as error:
        yield Finding("error", "signed URLs", f"can not be fetched: {type(error).__name__}")
    finally:
        storage.close()


def _missing_objects(storage: Storage, key: str) -> Finding:
    """Whether a missing object is told from a forbidden one: a speech is looked for before it is made."""
    try:
        storage.find(key)
    except JobError as error:
        return Finding("error", "missing objects", f"cannot be told from forbidden ones: {error}")
    return Finding("ok", "missing objects", "are told from forbidden ones")
