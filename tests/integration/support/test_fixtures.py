"""What the shared fixtures promise to every other test."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
from redis import Redis

from tests.support.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TWICE = pytest.mark.parametrize("time", [1, 2])


@TWICE
def test_redis_holds_nothing_under_the_prefix(redis: Redis, key_prefix: str, time: int) -> None:
    assert list(redis.scan_iter(match=f"{key_prefix}*")) == []
    assert redis.set(f"{key_prefix}:name", "value")
    assert redis.get(f"{key_prefix}:name") == "value"


@TWICE
def test_the_database_is_new(database_url: str, time: int) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE things (id int)")
        connection.commit()


@TWICE
def test_the_bucket_is_new(s3: S3Client, bucket: str, time: int) -> None:
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    s3.put_object(Bucket=bucket, Key="key", Body=b"content")


def test_no_account_and_no_settings_leak_into_tests() -> None:
    assert [name for name in os.environ if name.startswith(("OPENAI_", "AWS_", "S3_", "REDIS_"))] == []


def test_eventually_returns_the_first_true_value() -> None:
    values = iter([0, None, "", "done", "more"])
    assert eventually(lambda: next(values)) == "done"


def test_eventually_tells_the_last_value() -> None:
    with pytest.raises(AssertionError, match="last value was 0"):
        eventually(lambda: 0, deadline=0.02)
