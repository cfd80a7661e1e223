"""`preppath-workers web` as a process, and requests to it."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest
import requests

from preppath_workers import Queue
from tests.support.forked import ForkedProcess
from tests.support.redis import RedisServer

#: The data of a job.
SPEECH = {"questionId": "q1", "text": "What is a heap?"}

#: What a browser sends with a request of this page.
OWN = {"Sec-Fetch-Site": "same-origin"}

#: Seconds that a request, and a stop of the server, may take on a busy machine.
REQUEST_DEADLINE, STOP_DEADLINE = 30, 30


@dataclass(frozen=True)
class Site:
    """A running server."""

    url: str
    process: ForkedProcess

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=REQUEST_DEADLINE, **options)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, json: object = None, **headers: str) -> requests.Response:
        return self.request("POST", path, json=json, headers=headers)


Serve = Callable[..., "Site"]


@pytest.fixture
def serve(redis_url: str, key_prefix: str, tmp_path: Path) -> Iterator[Serve]:
    """Starts servers with these arguments and variables; they are stopped after the test."""
    with ExitStack() as started:

        def start(*arguments: str, **variables: str) -> Site:
            environment = {"REDIS_URL": redis_url, "KEY_PREFIX": key_prefix, **variables}
            return started.enter_context(running_site(arguments, environment, tmp_path / "web.log"))

        yield start


def start_site(arguments: tuple[str, ...], variables: Mapping[str, str], log: Path) -> Site:
    """Start a server with these arguments and variables."""
    output, its_output = Pipe(duplex=False)
    process = ForkedProcess(
        "preppath_workers", ["web", "--port", "0", *arguments], {**os.environ, **variables}, log, its_output
    )
    its_output.close()
    with output, os.fdopen(os.dup(output.fileno()), encoding="utf-8") as lines:
        line = lines.readline()
    assert line.startswith("listening on "), (line, log.read_text(encoding="utf-8"))
    return Site(line.removeprefix("listening on ").strip(), process)


@contextmanager
def running_site(arguments: tuple[str, ...], variables: Mapping[str, str], log: Path) -> Iterator[Site]:
    """A server with these arguments and variables until the block ends."""
    site = start_site(arguments, variables, log)
    try:
        yield site
    finally:
        site.process.send_signal(signal.SIGTERM)
        site.process.wait(timeout=STOP_DEADLINE)


@pytest.fixture(scope="session")
def shared(redis_server: RedisServer) -> Mapping[str, str]:
    """Where servers that several tests share find their keys."""
    return {"REDIS_URL": redis_server.url, "KEY_PREFIX": f"test-{uuid.uuid4().hex[:12]}"}


@pytest.fixture(scope="session")
def open_site(shared: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site((), shared, tmp_path_factory.mktemp("web") / "log") as site:
        yield site


@pytest.fixture
def key_prefix(shared: Mapping[str, str], redis: Any) -> str:
    """The prefix of all tests of this folder, which share servers. No key has it."""
    prefix = shared["KEY_PREFIX"]
    for key in redis.scan_iter(f"{prefix}*", count=1_000):
        redis.delete(key)
    return prefix


@pytest.fixture
def site(open_site: Site, key_prefix: str) -> Site:
    """A server without options, for all tests that need no other."""
    return open_site


@pytest.fixture
def tts(redis: Any, key_prefix: str) -> Queue:
    return Queue("tts", redis, key_prefix)


def post_form(site: Site, path: str, session: Any = requests, **form: Any) -> requests.Response:
    """Send a form as the page does."""
    found: requests.Response = session.post(site.url + path, data=form, headers=OWN, timeout=REQUEST_DEADLINE)
    return found
