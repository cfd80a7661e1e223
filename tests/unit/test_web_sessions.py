"""Sessions of browsers: how long they last, and how many there are."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response

from preppath_workers.config.web import Token
from preppath_workers.web import sessions
from preppath_workers.web.sessions import Sessions

TOKEN = Token("ada", frozenset({"read"}), "0" * 64)


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def request(cookie: str = "", origin: str = "http://localhost") -> Request:
    headers = [(b"cookie", cookie.encode()), (b"origin", origin.encode())]
    return Request({"type": "http", "headers": headers})


def started(all_sessions: Sessions, origin: str = "http://localhost") -> str:
    """Start a session, and return its cookie with the cookie's attributes."""
    response = Response()
    all_sessions.start(TOKEN, request(origin=origin), response)
    return response.headers["set-cookie"]


def test_session_ends_after_twelve_hours() -> None:
    clock = Clock()
    of_server = Sessions(clock)
    cookie = started(of_server)
    clock.now = 12 * 3600 - 1.0
    assert of_server.find(request(cookie), [TOKEN]) == TOKEN
    clock.now = 12 * 3600
    assert of_server.find(request(cookie), [TOKEN]) is None


def test_session_beyond_the_most_ends_the_oldest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_MOST", 2)
    of_server = Sessions()
    cookies = [started(of_server) for _ in range(3)]
    assert [of_server.find(request(cookie), [TOKEN]) for cookie in cookies] == [None, TOKEN, TOKEN]


def test_session_whose_token_is_no_longer_configured_is_not_found() -> None:
    of_server = Sessions()
    cookie = started(of_server)
    assert of_server.find(request(cookie), []) is None


@pytest.mark.parametrize(("scheme", "is_secure"), [("http", False), ("https", True)])
def test_cookie_is_secure_if_the_browser_uses_tls(scheme: str, is_secure: bool) -> None:
    of_server = Sessions()
    cookie = started(of_server, f"{scheme}://queues.example.com")
    assert ("; Secure" in cookie, cookie.startswith("__Host-")) == (is_secure, is_secure)
    assert of_server.find(request(cookie), [TOKEN]) == TOKEN
