"""`preppath-workers web` as a process, and requests to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from preppath_workers import Queue
from tests.support.process import ROOT


@dataclass(frozen=True)
class Site:
    """A running server."""

    url: str
    process: subprocess.Popen[str]

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=10, **options)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, json: object = None, **headers: str) -> requests.Response:
        return self.request("POST", path, json=json, headers=headers)


Serve = Callable[..., "Site"]


@pytest.fixture
def serve(redis_url: str, key_prefix: str) -> Iterator[Serve]:
    """Starts servers with these arguments and variables; they are stopped after the test."""
    started = []

    def start(*arguments: str, **variables: str) -> Site:
        site = start_site(arguments, {"REDIS_URL": redis_url, "KEY_PREFIX": key_prefix, **variables})
        started.append(site.process)
        return site

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)


def start_site(arguments: tuple[str, ...], variables: Mapping[str, str]) -> Site:
    """Start a server with these arguments and variables."""
    command = [sys.executable, "-m", "preppath_workers", "web", "--port", "0", *arguments]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("listening on "), (line, process.stderr)
    return Site(line.removeprefix("listening on ").strip(), process)


@pytest.fixture
def site(serve: Serve) -> Site:
    return serve()


@pytest.fixture
def tts(redis: Any, key_prefix: str) -> Queue:
    return Queue("tts", redis, key_prefix)
