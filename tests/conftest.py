"""The servers that tests use, each started for the first test that needs it.

`TEST_DATABASE_URL` and `TEST_S3_ENDPOINT` name servers to use instead; on those, tests change only databases
and buckets that they create and remove themselves. `TEST_REDIS_SERVER` is the program of another Redis. The
product's own variables, which a shell may have, are ignored.
"""

from __future__ import annotations

import gc
import os
import re
import signal
import ssl
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import httpcore2
import pytest
import redis.utils
from botocore.loaders import JSONFileLoader
from hypothesis import HealthCheck, settings
from redis import Redis

from tests.fake_openai.control import OpenAIServer
from tests.support import signal_state
from tests.support.databases import empty_database, new_database
from tests.support.order import slow_first
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer
from tests.support.s3 import S3Server, client_of
from tests.support.shared_servers import SharedServers, shared_postgres, shared_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: The tests that run if none are chosen, as setup.cfg has it.
_USUAL = "not (offline or trial)"

#: The configuration's reference, which names every variable of the product.
_REFERENCE = (Path(__file__).parents[1] / ".env.example").read_text(encoding="utf-8")

#: Prefixes of the variables that the product and its client libraries read: up to the first underscore, so
#: that they include those of every queue.
VARIABLES = (
    *("AWS_", "SSL_CERT_", "REQUESTS_CA_"),
    *sorted({*re.findall(r"^#?([A-Z0-9]+(?:_|(?==)))", _REFERENCE, re.MULTILINE)}),
)

# Fixtures are servers, which examples may share. The suite tries the same examples on every machine, CI five
# times as many; `--hypothesis-profile=search` searches for new ones.
settings.register_profile(
    "suite",
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("suite"), derandomize=False, max_examples=10_000)
settings.register_profile("ci", settings.get_profile("suite"), max_examples=100)
settings.load_profile("suite")


# What the tests import stays until the end. To visit it again and again would take the collector almost half
# of the time of all imports, in each worker of xdist.
gc.disable()

# A command that runs in the background without job control, as in some CI, ignores SIGINT, and so would every
# process that a test starts and then interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Each client of S3 would parse botocore's descriptions of the service again: our clients, and those of tests.
JSONFileLoader.load_file = staticmethod(cache(JSONFileLoader().load_file))


# Without a given version, each connection reads the package's metadata again, which takes 1 ms.
redis.utils.get_lib_version = cache(redis.utils.get_lib_version)


@cache
def _ssl_context(trust_env: bool, *variables: str | None) -> ssl.SSLContext:
    return _new_ssl_context(_trust_env=trust_env)


# Each client of OpenAI would load the certificates of all authorities again.
_new_ssl_context = httpcore2.default_ssl_context
httpcore2.default_ssl_context = lambda *, _trust_env=True: _ssl_context(
    _trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
)


def pytest_configure(config: pytest.Config) -> None:
    """Run a trial's tests if their file or folder is named. Each worker of xdist finds the same.

    If all tests are run by several workers, these share servers.
    """
    is_all = is_usual(config)
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS and config.option.markexpr == _USUAL:
        config.option.markexpr = "not offline"
    if config.option.markexpr == "trial":  # the demo has tests of both kinds
        config.option.markexpr = "trial and not offline"
    workers = config.getoption("numprocesses", None)  # None without xdist
    if is_all and workers and not {"TEST_DATABASE_URL", "TEST_S3_ENDPOINT"} & os.environ.keys():
        config.pluginmanager.register(SharedServers())


def is_usual(config: pytest.Config) -> bool:
    """Return whether the tests are run that run by default."""
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and config.option.markexpr == _USUAL


def pytest_collection_finish() -> None:
    """Collect garbage from now on, but leave out what is there."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = slow_first(items, workers=int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if is_usual(config):
        terminalreporter.write_line(
            "Left out: tests of the trials, the tests' servers, the demo, the page in a browser and the "
            "OpenAPI, long forms of others (bin/test -m trial), the offline provider (bin/test -m offline)"
        )


@dataclass(frozen=True)
class ExternalServer:
    """A server that runs outside of the tests."""

    url: str

    @property
    def endpoint(self) -> str:
        return self.url


@pytest.fixture(scope="session", autouse=True)
def without_settings() -> None:
    """Remove the product's variables from the environment: no test, and no worker that a test starts, uses a
    real server, a real account or a developer's settings."""
    for name in [name for name in os.environ if name.startswith(VARIABLES)]:
        del os.environ[name]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


@pytest.fixture(autouse=True)
def unchanged_signals() -> Iterator[None]:
    """Fail a test that leaves a signal ignored: a later test could not interrupt what it starts."""
    with signal_state.unchanged():
        yield


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Redis, shared by all tests. A test that kills its server has `own_server`."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A Redis that the test may stop, freeze or configure."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def database_server(pytestconfig: pytest.Config) -> Iterator[PostgresServer | ExternalServer]:
    """PostgreSQL, with a user that may create databases. Workers of xdist may share it: never stop it, and
    give a role a name of its own."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield ExternalServer(url)
        return
    if shared := shared_postgres(pytestconfig):
        yield shared
        return
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(pytestconfig: pytest.Config) -> Iterator[S3Server | ExternalServer]:
    """S3 that accepts the keys `test` and `test`. Workers of xdist may share it: never stop it."""
    if url := os.environ.get("TEST_S3_ENDPOINT"):
        yield ExternalServer(url)
        return
    if shared := shared_s3(pytestconfig):
        yield shared
        return
    with S3Server() as server:
        yield server


@pytest.fixture(scope="session")
def openai_server() -> Iterator[OpenAIServer]:
    """Our OpenAI-compatible server. Tests use `vendor`, which resets it."""
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def key_prefix() -> str:
    """A prefix of Redis keys that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def emptying_client(redis_server: RedisServer) -> Iterator[Redis]:
    """A client for `redis_url`: to connect takes longer than to empty."""
    with Redis.from_url(redis_server.url) as client:
        yield client


@pytest.fixture
def redis_url(redis_server: RedisServer, emptying_client: Redis) -> str:
    """The URL of Redis, which is emptied."""
    emptying_client.flushall()
    return redis_server.url


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A client of `redis_url` that decodes replies."""
    with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture(scope="session")
def emptied_database_url(database_server: PostgresServer | ExternalServer) -> Iterator[str]:
    """The URL of a new database, for `database_url`."""
    with new_database(database_server.url) as url:
        yield url


@pytest.fixture
def database_url(emptied_database_url: str) -> Iterator[str]:
    """The URL of an empty database."""
    yield emptied_database_url
    empty_database(emptied_database_url)


@pytest.fixture(scope="session")
def s3(s3_server: S3Server | ExternalServer) -> S3Client:
    """A boto3 client of the S3 server."""
    return client_of(s3_server.endpoint)


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
    """Our OpenAI-compatible server, without orders and calls."""
    openai_server.reset()
    return openai_server
