"""A user of S3 without the right s3:ListBucket, to whom a missing object is a forbidden one."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from preppath_workers.clients.s3.client import Storage
from preppath_workers.errors import PermanentError, ServiceError
from tests.support.s3_rights import NAMES_NOTHING, NAMES_RIGHT, denied

from .conftest import MOST, Answers, storage_at

#: The right that a read of an object needs, in the same words; the key is the job's.
NAMES_OTHER_RIGHT = NAMES_RIGHT.replace(
    's3:ListBucket on resource: "arn:aws:s3:::bucket"',
    's3:GetObject on resource: "arn:aws:s3:::bucket/a to perform: s3:ListBucket on"',
).replace("the s3:ListBucket", "the s3:GetObject")

READS: list[Callable[[Storage], object]] = [
    lambda storage: storage.find("key"),
    lambda storage: storage.read("key", MOST),
    lambda storage: storage.download("key", io.BytesIO(), MOST),
]


def test_object_for_which_s3_asks_for_the_right_to_list_is_missing(answers: Answers) -> None:
    storage = storage_at("bucket", answers(403, denied(NAMES_RIGHT)))

    assert storage.find("key") is None
    assert storage.read("key", MOST) is None
    with pytest.raises(PermanentError, match="there is no object bucket/key"):
        storage.download("key", io.BytesIO(), MOST)


@pytest.mark.parametrize(
    ("message", "may_be_missing"), [(NAMES_NOTHING, True), ("", True), (NAMES_OTHER_RIGHT, False)]
)
@pytest.mark.parametrize("read", READS)
def test_object_that_may_be_forbidden_is_a_service_error(
    answers: Answers, read: Callable[[Storage], object], message: str, may_be_missing: bool
) -> None:
    storage = storage_at("bucket", answers(403, denied(message)))

    with pytest.raises(ServiceError) as caught:
        read(storage)

    assert not caught.value.refuses_all
    hint = "without the right s3:ListBucket a missing object looks like this too"
    assert str(caught.value).endswith(hint) == may_be_missing


def test_write_for_which_s3_asks_for_the_right_to_list_refuses_all(answers: Answers) -> None:
    storage = storage_at("bucket", answers(403, denied(NAMES_RIGHT)))

    with pytest.raises(ServiceError) as caught:
        storage.upload("key", b"body", "text/plain")

    assert caught.value.refuses_all
