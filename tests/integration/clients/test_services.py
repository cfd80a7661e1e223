"""The clients of one worker."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.config.load import load

MINIMAL_ENV = {
    "OPENAI_API_KEY": "sk-test",
    "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
    "S3_BUCKET": "bucket",
    "DATABASE_URL": "postgresql://127.0.0.1:1/preppath",
}


def test_services_after_close_make_a_new_client() -> None:
    services = Services(load(MINIMAL_ENV, []))

    first = (services.openai, services.storage, services.database)
    assert first == (services.openai, services.storage, services.database)

    services.close()
    services.close()
    assert services.openai is not first[0]
    services.close()


def test_services_on_preload_open_no_connection_and_start_no_thread() -> None:
    """The supervisor preloads, and it forks afterwards. With and without keys for S3."""
    program = """
import os, sys, threading
from preppath_workers.clients.services import Services
from preppath_workers.config.load import load
events = []
sys.addaudithook(lambda event, _: events.append(event))
for keys in ({}, {"S3_ACCESS_KEY_ID": "key", "S3_SECRET_ACCESS_KEY": "secret"}):
    Services(load({**os.environ, **keys}, [])).preload(["openai", "storage", "database", "webhook"])
print({event for event in events if event.startswith(("socket.connect", "socket.getaddrinfo"))})
print(threading.active_count())
print({"openai.resources.chat", "openai.resources.realtime.realtime"} <= set(sys.modules))
"""
    environment = {**os.environ, **MINIMAL_ENV}
    printed = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert printed.split() == ["set()", "1", "True"]


def test_services_that_cannot_preload_log_why_and_go_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "missing")
    services = Services(load(MINIMAL_ENV, []))

    with caplog.at_level(logging.WARNING):
        services.preload(["storage"])

    assert "cannot preload the client of storage" in caplog.text
    assert "missing" in caplog.text
    services.close()
