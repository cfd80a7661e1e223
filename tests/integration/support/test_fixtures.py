"""What every other test relies on in the shared fixtures."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
from redis import Redis

from tests.conftest import VARIABLES
from tests.support.process import ROOT
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.trial

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TWICE = pytest.mark.parametrize("time", [1, 2])


@TWICE
def test_key_prefix_in_each_test_has_no_keys(redis: Redis, key_prefix: str, time: int) -> None:
    assert list(redis.scan_iter(match=f"{key_prefix}*")) == []
    assert redis.set(f"{key_prefix}:name", "value")
    assert redis.get(f"{key_prefix}:name") == "value"


@TWICE
def test_database_url_in_each_test_is_an_empty_database(database_url: str, time: int) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE things (id int)")
        connection.commit()


@TWICE
def test_bucket_in_each_test_is_empty(s3: S3Client, bucket: str, time: int) -> None:
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    s3.put_object(Bucket=bucket, Key="key", Body=b"content")


def test_environment_has_no_settings_of_the_developer() -> None:
    assert {name for name in os.environ if name.startswith(VARIABLES)} == {"NO_PROXY"}
    assert os.environ["NO_PROXY"] == "127.0.0.1,localhost"


def test_tests_leave_a_server_alone_that_the_shell_names(own_server: RedisServer) -> None:
    with Redis.from_url(own_server.url, decode_responses=True) as client:

        def connections() -> int:
            return int(client.info("stats")["total_connections_received"])

        client.set("preppath:precious", "1")
        before = connections()
        tested = f"{__file__}::test_key_prefix_in_each_test_has_no_keys"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", tested],
            env={**os.environ, "REDIS_URL": own_server.url, "BULLMQ_REDIS_URL": own_server.url},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        assert client.keys() == ["preppath:precious"]
        assert connections() == before


def test_eventually_returns_the_first_true_value() -> None:
    values = iter([0, None, "", "done", "more"])
    assert eventually(lambda: next(values)) == "done"


def test_eventually_past_its_deadline_names_the_last_value() -> None:
    with pytest.raises(AssertionError, match="last value was 0"):
        eventually(lambda: 0, deadline=0.02)
