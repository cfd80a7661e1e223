"""Who sees and changes what on the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from preppath_workers import Queue
from preppath_workers.web.tokens import new_token
from tests.support.dead_letters import add_dead_letters

from .conftest import OWN, REQUEST_DEADLINE, Serve, Site, post_form, running_site

TOKEN, ENTRY = new_token("operator", ["read"])
ADMIN_TOKEN, ADMIN_ENTRY = new_token("ada", ["read", "admin"])


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the server that wants a token."""
    return tmp_path_factory.mktemp("page") / "guarded.log"


@pytest.fixture(scope="module")
def guarded_process(shared: Mapping[str, str], log: Path) -> Iterator[Site]:
    own = {"WEB_TOKENS": f"{ENTRY},{ADMIN_ENTRY}", "WEB_HOSTS": "queues.example.com"}
    with running_site((), {**shared, **own, "LOG_FORMAT": "json"}, log) as site:
        yield site


@pytest.fixture
def guarded(guarded_process: Site, key_prefix: str) -> Site:
    """A server that wants a token, for all tests of this file."""
    return guarded_process


def test_page_asks_for_a_token_and_keeps_a_session(guarded: Site, tts: Queue) -> None:
    site, session = guarded, requests.Session()

    asked = session.get(f"{site.url}/queues/tts?state=failed", timeout=REQUEST_DEADLINE)
    assert (asked.status_code, 'name="next" value="/queues/tts?state=failed"' in asked.text) == (401, True)
    wrong = post_form(site, "/sign-in", session, token=f"{TOKEN}x", next="/")
    assert (wrong.status_code, wrong.cookies.get_dict()) == (403, {})
    went_on = post_form(site, "/sign-in", session, token=TOKEN, next="/queues/tts")
    assert (went_on.status_code, went_on.url) == (200, f"{site.url}/queues/tts")
    cookie = went_on.history[0].headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert post_form(site, "/queues/tts", session, action="pause").status_code == 403
    assert not tts.gate().paused
    assert "Pause" not in went_on.text
    post_form(site, "/sign-out", session)
    assert session.get(site.url, timeout=REQUEST_DEADLINE).status_code == 401


def test_session_over_tls_is_for_this_host_alone_and_goes_to_no_other_site(guarded: Site) -> None:
    headers = {"Host": "queues.example.com", "Origin": "https://queues.example.com"}

    for target in ("//evil.example", "/\\evil.example", "https://evil.example", "/\tx"):
        found = guarded.request(
            "POST", "/sign-in", data={"token": TOKEN, "next": target}, headers=headers, allow_redirects=False
        )
        assert (found.status_code, found.headers["Location"]) == (303, "/"), target
    cookie = found.headers["Set-Cookie"]
    assert cookie.startswith("__Host-preppath=")
    assert "Secure" in cookie


def test_link_on_another_site_leads_here_with_the_session(guarded: Site) -> None:
    # The browser withholds the cookie; loading the page again from this site sends it.
    assert 'http-equiv="refresh" content="0"' in guarded.get("/", **{"Sec-Fetch-Site": "cross-site"}).text
    assert "http-equiv" not in guarded.get("/", **OWN).text


def test_forms_of_other_sites_and_of_programs_are_refused(site: Site, tts: Queue) -> None:
    for headers in (
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
    ):
        found = site.request("POST", "/queues/tts", data={"action": "pause"}, headers=headers)
        assert found.status_code == 403, headers
    assert not tts.gate().paused


def test_read_only_page_with_tokens_lets_people_sign_in_and_out(serve: Serve) -> None:
    site, session = serve("--read-only", WEB_TOKENS=ENTRY), requests.Session()
    assert post_form(site, "/sign-in", session, token=TOKEN, next="/").status_code == 200
    assert session.get(site.url, timeout=REQUEST_DEADLINE).status_code == 200
    post_form(site, "/sign-out", session)
    assert session.get(site.url, timeout=REQUEST_DEADLINE).status_code == 401


def test_read_only_page_has_no_buttons_and_refuses(serve: Serve, tts: Queue, redis: Any) -> None:
    site = serve("--read-only")
    tts.enqueue({}, id="j")
    add_dead_letters(tts, "d")

    for path, action in (
        ("/queues/tts", "pause"),
        ("/queues/tts/jobs/j", "cancel"),
        ("/queues/tts/dead", "purge"),
    ):
        assert 'method="post"' not in site.get(path).text, path
        assert post_form(site, path, action=action, confirmed="yes").status_code == 405
    assert (tts.counts().waiting, tts.counts().failed, tts.gate().paused) == (1, 1, False)


def test_changes_are_logged_with_who_made_them(guarded: Site, tts: Queue, log: Path) -> None:
    session = requests.Session()
    post_form(guarded, "/sign-in", session, token=ADMIN_TOKEN)
    post_form(guarded, "/queues/tts", session, action="pause")

    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    (line,) = [line for line in lines if line["message"] == "Change made on the page"]
    assert (line["who"], line["action"], line["queue"]) == ("ada", "pause", "tts")
    assert "ada" in [line["who"] for line in lines if line["message"] == "Signed in"]
    assert TOKEN not in log.read_text(encoding="utf-8")
    assert tts.gate().paused
