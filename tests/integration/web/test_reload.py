"""SIGHUP: the server reads its tokens and host names again."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import requests

from preppath_workers import Queue
from preppath_workers.web.tokens import new_token
from tests.support.pipes import pipe_with
from tests.support.waiting import eventually

from .conftest import REQUEST_DEADLINE, SPEECH, Serve, Site, post_form

OLD, OLD_ENTRY = new_token("old", ["read"])
NEW, NEW_ENTRY = new_token("new", ["read"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "env"
    path.write_text(f"WEB_TOKENS={OLD_ENTRY}\n")
    return path


def status(site: Site, token: str, host: str = "127.0.0.1") -> int:
    return site.get("/api/v1/queues", Authorization=f"Bearer {token}", Host=host).status_code


def test_reload_with_another_token_ends_sessions_and_streams_of_the_old_one(
    serve: Serve, file: Path, tts: Queue
) -> None:
    site, session = serve("--config", str(file)), requests.Session()
    tts.enqueue(SPEECH, id="j")
    assert (status(site, OLD), status(site, NEW)) == (200, 401)
    assert post_form(site, "/sign-in", session, token=OLD, next="/").status_code == 200
    path = "/api/v1/jobs/tts/j/events"
    with site.request("GET", path, stream=True, headers={"Authorization": f"Bearer {OLD}"}) as response:
        lines = response.iter_lines(decode_unicode=True)
        assert "event: waiting" in lines

        file.write_text(f"WEB_TOKENS={NEW_ENTRY}\nWEB_HOSTS=queues.example.com\n")
        site.process.send_signal(signal.SIGHUP)
        eventually(lambda: status(site, NEW) == 200)
        tts.cancel("j")

        assert "event: cancelled" not in [*lines]
    assert (status(site, OLD), session.get(site.url, timeout=REQUEST_DEADLINE).status_code) == (401, 401)
    assert status(site, NEW, "queues.example.com") == 200


@pytest.mark.parametrize(
    ("text", "host", "problem"),
    [
        ("WEB_TOKENS=secret", "127.0.0.1", "WEB_TOKENS is wrong"),
        ("", "0.0.0.0", "--host 0.0.0.0 is not loopback"),  # noqa: S104 - for a moment, with a token
    ],
)
def test_reload_of_a_wrong_configuration_keeps_the_old_one(
    serve: Serve, file: Path, tmp_path: Path, text: str, host: str, problem: str
) -> None:
    site = serve("--config", str(file), "--host", host)
    log = tmp_path / "web.log"
    file.write_text(text)

    site.process.send_signal(signal.SIGHUP)

    eventually(lambda: f"keeping the old one: {problem}" in log.read_text(encoding="utf-8"))
    assert (status(site, OLD), status(site, NEW)) == (200, 401)


def test_reload_of_a_configuration_from_a_pipe_keeps_the_tokens(serve: Serve, tmp_path: Path) -> None:
    pipe, log = tmp_path / "pipe", tmp_path / "web.log"
    with pipe_with(pipe, f"WEB_TOKENS={OLD_ENTRY}\n"):
        site = serve("--config", str(pipe))

    site.process.send_signal(signal.SIGHUP)

    problem = f"keeping the old one: cannot read {pipe} again"
    eventually(lambda: problem in log.read_text(encoding="utf-8"))
    assert (status(site, OLD), status(site, NEW)) == (200, 401)
