"""`preppath-workers web` as a process, and requests to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest
import requests

from preppath_workers import Queue
from tests.support.forked import ForkedProcess


@dataclass(frozen=True)
class Site:
    """A running server."""

    url: str
    process: ForkedProcess

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=10, **options)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, json: object = None, **headers: str) -> requests.Response:
        return self.request("POST", path, json=json, headers=headers)


Serve = Callable[..., "Site"]


@pytest.fixture
def serve(redis_url: str, key_prefix: str, tmp_path: Path) -> Iterator[Serve]:
    """Starts servers with these arguments and variables; they are stopped after the test."""
    started: list[ForkedProcess] = []

    def start(*arguments: str, **variables: str) -> Site:
        environment = {"REDIS_URL": redis_url, "KEY_PREFIX": key_prefix, **variables}
        site = start_site(arguments, environment, tmp_path / f"web{len(started)}.log")
        started.append(site.process)
        return site

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


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


@pytest.fixture
def site(serve: Serve) -> Site:
    return serve()


@pytest.fixture
def tts(redis: Any, key_prefix: str) -> Queue:
    return Queue("tts", redis, key_prefix)
