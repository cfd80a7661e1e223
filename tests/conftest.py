"""The servers that tests run against, started when the first test asks for one.

`REDIS_URL`, `DATABASE_URL` and `S3_ENDPOINT` name servers to use instead of our own; there, tests touch
nothing but keys, databases and buckets that they make and remove themselves.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import psycopg2
import pytest
from hypothesis import HealthCheck, settings
from redis import Redis

from tests.fake_openai.control import OpenAIServer
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer
from tests.support.s3 import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: How the variables begin that the product and its vendors' libraries read.
OURS = (
    *("REDIS_", "DATABASE_", "S3_", "OPENAI_", "AWS_"),
    *("TRANSCRIPTION_", "TTS_", "EVALUATION_", "WEBHOOK_", "QUEUES", "KEY_PREFIX"),
    *("LOG_", "LEASE_", "SHUTDOWN_", "MAX_MEMORY_", "MAX_JOBS_", "KEEP_COMPLETED_"),
)

# Fixtures are servers here, which examples may share. The suite tries the same examples on every machine;
# `--hypothesis-profile=search` looks for new ones.
settings.register_profile(
    "suite",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("suite"), derandomize=False, max_examples=10_000)
settings.load_profile("suite")


# Who starts a command in the background without job control, as some CI does, has it ignore SIGINT; so would
# every process that a test starts and then interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Given:
    """A server that somebody else runs."""

    url: str

    @property
    def endpoint(self) -> str:
        return self.url


@pytest.fixture(scope="session", autouse=True)
def given() -> Mapping[str, str]:
    """The environment's variables for the product, which are then taken out of it: no test, and no worker
    that a test starts, ever meets a real account or somebody's settings."""
    found = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(OURS)}
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    return found


@pytest.fixture(scope="session")
def redis_server(given: Mapping[str, str]) -> Iterator[RedisServer | Given]:
    """Redis. Shared by all tests: one that kills its server starts a RedisServer of its own."""
    if url := given.get("REDIS_URL"):
        yield Given(url)
        return
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def database_server(given: Mapping[str, str]) -> Iterator[PostgresServer | Given]:
    """PostgreSQL, by a user who may create databases."""
    if url := given.get("DATABASE_URL"):
        yield Given(url)
        return
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(given: Mapping[str, str]) -> Iterator[S3Server | Given]:
    """S3."""
    if url := given.get("S3_ENDPOINT"):
        yield Given(url)
        return
    with S3Server() as server:
        yield server


@pytest.fixture(scope="session")
def openai_server() -> Iterator[OpenAIServer]:
    """Our OpenAI-compatible server. Tests take `vendor`, which forgets the test before."""
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def key_prefix(redis_server: RedisServer | Given) -> Iterator[str]:
    """A prefix of Redis keys that no other test uses."""
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    yield prefix
    if isinstance(redis_server, Given):
        with Redis.from_url(redis_server.url) as client:
            for key in client.scan_iter(match=f"{prefix}*", count=1_000):
                client.delete(key)


@pytest.fixture
def redis_url(redis_server: RedisServer | Given) -> str:
    """The URL of Redis: empty when it is our own, as it is when it is given (use `key_prefix` there)."""
    if isinstance(redis_server, RedisServer):
        with Redis.from_url(redis_server.url) as client:
            client.flushall()
    return redis_server.url


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A client of `redis_url`, in text."""
    with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def database_url(database_server: PostgresServer | Given) -> Iterator[str]:
    """The URL of a new, empty database."""
    server, name = database_server.url, f"test_{uuid.uuid4().hex[:12]}"
    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")
            base, _, options = server.partition("?")
            yield f"{base.rpartition('/')[0]}/{name}{'?' if options else ''}{options}"
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def s3(s3_server: S3Server | Given, given: Mapping[str, str]) -> S3Client:
    """A boto3 client of the S3 server."""
    return boto3.client(
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name=given.get("S3_REGION", "us-east-1"),
        aws_access_key_id=given.get("S3_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=given.get("S3_SECRET_ACCESS_KEY", "test"),
    )


@pytest.fixture
def bucket(s3: S3Client) -> Iterator[str]:
    """The name of a new, empty bucket."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for found in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=found["Key"])
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def vendor(openai_server: OpenAIServer) -> OpenAIServer:
    """Our OpenAI-compatible server, with no fault ordered and no call made."""
    openai_server.reset()
    return openai_server
