"""The page's HTML as it is served: who sees and changes what, and how untrusted data is shown."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from preppath_workers import Queue
from preppath_workers.store.keys import BUDGET, Keys
from preppath_workers.store.reading.spending import today
from preppath_workers.web.tokens import new_token
from tests.conftest import ExternalServer
from tests.support.redis import RedisServer

from .conftest import Serve, Site, start_site

#: What a browser sends with a form of this page.
OWN = {"Sec-Fetch-Site": "same-origin"}

TOKEN, ENTRY = new_token("operator", ["read"])
ADMIN_TOKEN, ADMIN_ENTRY = new_token("ada", ["read", "admin"])
PREFIX = "test-page"
HOSTILE = "<script>alert(1)</script>\u202e\x00\"'&"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the server that wants a token."""
    return tmp_path_factory.mktemp("page") / "guarded.log"


@pytest.fixture(scope="module")
def running(redis_server: RedisServer | ExternalServer, log: Path) -> Iterator[tuple[Site, Site]]:
    """Two servers for all tests of this module: one for everyone, and one that wants a token."""
    variables = {"REDIS_URL": redis_server.url, "KEY_PREFIX": PREFIX, "LOG_FORMAT": "json"}
    own = {"WEB_TOKENS": f"{ENTRY},{ADMIN_ENTRY}", "WEB_HOSTS": "queues.example.com"}
    sites = (
        start_site((), variables, log.with_name("open.log")),
        start_site((), {**variables, **own}, log),
    )
    yield sites
    for site in sites:
        site.process.send_signal(signal.SIGTERM)
        site.process.wait(timeout=10)


@pytest.fixture
def site(running: tuple[Site, Site]) -> Site:
    return running[0]


@pytest.fixture
def guarded(running: tuple[Site, Site]) -> Site:
    return running[1]


@pytest.fixture
def key_prefix(redis: Any) -> str:
    for key in redis.scan_iter(f"{PREFIX}:*"):
        redis.delete(key)
    return PREFIX


def post(site: Site, path: str, session: Any = requests, **form: Any) -> requests.Response:
    found: requests.Response = session.post(site.url + path, data=form, headers=OWN, timeout=10)
    return found


def add_dead(queue: Queue, redis: Any, job_id: str, reason: str = "retries", **error: str) -> None:
    redis.lpush(queue.keys.dead, job_id)
    redis.hset(
        queue.keys.job(job_id),
        mapping={
            "data": "{}",
            "state": "failed",
            "priority": "50",
            "reason": reason,
            "error": json.dumps(error or {"class": "TransientError", "message": "500"}),
            "finishedAt": queue.now(),
        },
    )


def test_page_asks_for_a_token_and_keeps_a_session(guarded: Site, tts: Queue) -> None:
    site, session = guarded, requests.Session()

    asked = session.get(f"{site.url}/queues/tts?state=failed", timeout=10)
    assert (asked.status_code, 'name="next" value="/queues/tts?state=failed"' in asked.text) == (401, True)
    wrong = post(site, "/sign-in", session, token=f"{TOKEN}x", next="/")
    assert (wrong.status_code, wrong.cookies.get_dict()) == (403, {})
    went_on = post(site, "/sign-in", session, token=TOKEN, next="/queues/tts")
    assert (went_on.status_code, went_on.url) == (200, f"{site.url}/queues/tts")
    cookie = went_on.history[0].headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert post(site, "/queues/tts", session, action="pause").status_code == 403
    assert not tts.gate().paused
    assert "Pause" not in went_on.text
    post(site, "/sign-out", session)
    assert session.get(site.url, timeout=10).status_code == 401


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


def test_read_only_page_has_no_buttons_and_refuses(serve: Serve, tts: Queue, redis: Any) -> None:
    site = serve("--read-only")
    tts.enqueue({}, id="j")
    add_dead(tts, redis, "d")

    for path, action in (
        ("/queues/tts", "pause"),
        ("/queues/tts/jobs/j", "cancel"),
        ("/queues/tts/dead", "purge"),
    ):
        assert 'method="post"' not in site.get(path).text, path
        assert post(site, path, action=action, confirmed="yes").status_code == 405
    assert (tts.counts().waiting, tts.counts().failed, tts.gate().paused) == (1, 1, False)


def test_jobs_are_listed_by_state_and_filtered(site: Site, tts: Queue) -> None:
    for number in range(51):
        tts.enqueue({"userId": f"u{number % 2}"}, id=f"j{number}")
    tts.enqueue({}, id="later", delay=3600)

    first = site.get("/queues/tts").text
    assert ("j49" in first, "j50" in first) == (True, False)
    assert "?state=waiting&amp;cursor=50" in first
    assert "j50" not in site.get("/queues/tts?newerThan=1h&id=j4").text
    assert site.get("/queues/tts?newerThan=soon").status_code == 422
    assert "j50" in site.get("/queues/tts?state=waiting&cursor=50").text
    assert re.search(">in (59 min|1 h)", site.get("/queues/tts?state=delayed").text)
    chosen = site.get("/queues/tts?userId=u1").text
    assert ("j1<" in chosen, "j2<" in chosen) == (True, False)
    assert site.get("/find?id=later").url == f"{site.url}/queues/tts/jobs/later"


def test_untrusted_data_is_shown_as_text_and_bounded(site: Site, tts: Queue, redis: Any) -> None:
    tts.enqueue({"text": HOSTILE}, id="a/../b")
    tts.enqueue({"text": "y" * 900_000}, id="large")
    assert "(900011 bytes)" in site.get("/queues/tts").text
    add_dead(tts, redis, "d", **{"class": HOSTILE, "message": HOSTILE * 1_000, "service": HOSTILE})
    redis.hset(tts.keys.job("d"), mapping={"data": b"\xff{", "createdAt": "1e400", "reason": HOSTILE})
    redis.hset(tts.keys.gate, mapping={"heldUntil": tts.now() + 60_000, "heldReason": HOSTILE})

    for path in (
        *("/", "/queues/tts", "/queues/tts?state=failed", "/queues/tts/dead"),
        *("/queues/tts/jobs/a%2F..%2Fb", "/queues/tts/jobs/d", "/queues/tts/jobs/large"),
        "/queues/tts?state=failed&userId=%3Cscript%3E%22&reason=%00",
        "/find?id=%3Cscript%3E",
    ):
        page = site.get(path)
        assert page.status_code == 200, path
        assert "<script>" not in page.text, path
        # Values of hidden fields are not seen, and have to stay as they are.
        assert "\u202e" not in re.sub(r'value="[^"]*"', "", page.text), path
        assert len(page.text) < 60_000, path
    assert "&lt;script&gt;alert(1)" in site.get("/queues/tts/jobs/a%2F..%2Fb").text
    assert "characters more" in site.get("/queues/tts/jobs/large").text


def test_speech_is_played_from_its_own_origin_alone(site: Site, tts: Queue, redis: Any) -> None:
    def policy(url: str) -> str:
        tts.enqueue({"text": "Why?"}, id="s")
        redis.hset(tts.keys.job("s"), mapping={"state": "completed", "result": json.dumps({"url": url})})
        return site.get("/queues/tts/jobs/s").headers["Content-Security-Policy"]

    assert policy("https://s3.example.com:9000/b/q.mp3?X=1").endswith(
        "; media-src https://s3.example.com:9000"
    )
    for other in (
        "javascript:alert(1)",
        "https://a;script-src *",
        "//x/y",
        "https://u:p@x/",
        "data:x",
        "http://[",
    ):
        assert "media-src" not in policy(other), other


def test_job_is_changed_as_the_commands_change_it(site: Site, tts: Queue) -> None:
    tts.enqueue({}, id="j", delay=60)
    job = "/queues/tts/jobs/j"

    assert post(site, job, action="prioritize", priority="7").status_code == 200
    assert post(site, job, action="prioritize", priority="0").status_code == 422
    assert post(site, job, action="promote").status_code == 200
    found = tts.get("j")
    assert found is not None
    assert (found.priority, found.state) == (7, "waiting")
    assert "Cancel 1 job of tts?" in post(site, job, action="cancel").text
    assert tts.counts().waiting == 1
    assert "cancelled before it started" in post(site, job, action="cancel", confirmed="yes").text
    late = post(site, job, action="promote")
    assert (late.status_code, "cannot promote job j: it is cancelled" in late.text) == (409, True)
    assert post(site, "/queues/tts/jobs/none", action="promote").status_code == 404
    assert post(site, job, action="explode").status_code == 422


def test_dead_letters_are_grouped_and_changed_as_asked(site: Site, tts: Queue, redis: Any) -> None:
    for number in range(3):
        add_dead(tts, redis, f"r{number}")
    add_dead(tts, redis, "p", "permanent", **{"class": "PermanentError", "message": "no such question"})
    dead = "/queues/tts/dead"

    assert "no such question" in site.get(dead).text
    asked = post(site, dead, action="replay", reason="retries", errorClass="TransientError")
    assert "Replay 3 dead letters of tts?" in asked.text
    assert tts.counts().failed == 4
    add_dead(tts, redis, "later")
    confirmed = {"confirmed": "yes", "which": "selected", "id": ["r0", "r1", "r2"]}
    done = post(site, dead, action="replay", **confirmed)
    assert "3 replayed" in done.text
    assert (tts.counts().failed, tts.counts().waiting) == (2, 3)
    assert "Delete 1 dead letter of tts?" in post(site, dead, action="purge", which="selected", id="p").text
    assert post(site, dead, action="purge", which="selected").status_code == 422
    assert "1 deleted" in post(site, dead, action="purge", which="selected", id="p", confirmed="yes").text
    assert tts.get("p") is None


def test_dead_letters_of_a_long_list_are_looked_for_a_part_at_a_time(
    site: Site, tts: Queue, redis: Any
) -> None:
    with redis.pipeline() as pipeline:
        for number in range(10_050):
            reason = "invalid" if number == 10_040 else "permanent"
            pipeline.hset(tts.keys.job(f"x{number}"), mapping={"state": "failed", "reason": reason})
            pipeline.lpush(tts.keys.dead, f"x{number}")
        pipeline.execute()
    meant = {"action": "purge", "reason": "invalid"}

    first = post(site, "/queues/tts/dead", **meant).text
    assert "None of the oldest 10,000 dead letters matches." in first
    assert '<input type="hidden" name="cursor" value="10000">' in first
    assert "Delete 1 dead letter of tts?" in post(site, "/queues/tts/dead", **meant, cursor="10000").text
    assert "These are the oldest that match" in post(site, "/queues/tts/dead", action="replay").text


def test_changes_are_logged_with_who_made_them(guarded: Site, tts: Queue, log: Path) -> None:
    session = requests.Session()
    post(guarded, "/sign-in", session, token=ADMIN_TOKEN)
    post(guarded, "/queues/tts", session, action="pause")

    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    (line,) = [line for line in lines if line["message"] == "Change made on the page"]
    assert (line["who"], line["action"], line["queue"]) == ("ada", "pause", "tts")
    assert "ada" in [line["who"] for line in lines if line["message"] == "Signed in"]
    assert TOKEN not in log.read_text(encoding="utf-8")
    assert tts.gate().paused


def test_page_of_nothing_is_a_page_and_the_api_stays_json(site: Site) -> None:
    for path in ("/nothing", "/queues/none", "/queues/tts/jobs/none", "/queues/tts?state=none", "/static/x"):
        found = site.get(path)
        assert (found.status_code, found.headers["Content-Type"]) == (404, "text/html; charset=utf-8"), path
        assert "All queues" in found.text
    assert site.get("/api/v1/nothing").json() == {"detail": "Not Found"}
    assert site.request("DELETE", "/", headers=OWN).status_code == 405


def test_costs_page_shows_spending_and_users_near_their_cap(
    serve: Serve, redis: Any, tts: Queue, key_prefix: str
) -> None:
    user, day = "u<b>1</b>", today(tts).isoformat()
    redis.hset(tts.keys.spent_on(day), mapping={"m<i> calls": 2, "m<i> nano": 1_900_000_000})
    redis.zadd(tts.keys.spent_on(day) + ":users:nano", {user: 1_900_000_000, "u2": 1})
    sums = {f"spent user {user}": 1_900_000_000, "spent user u2": 1, "spent all": 1_900_000_000}
    redis.hset(Keys(key_prefix, BUDGET).budget(day), mapping=sums)
    site = serve(BUDGET_USER_DAY="1.9", BUDGET_DAY="20/15")

    for path, rows in (
        ("/", []),
        ("/costs", ["m&lt;i&gt;", "$1.90"]),
        ("/costs?by=user&since=7d", ["u2", "$0.0001"]),
        ("/costs?by=queue", ["tts"]),
        ("/costs?by=day", [day]),
    ):
        html = site.get(path).text
        for expected in (*rows, "$1.90 of $20.00 (soft $15.00) today", "user u&lt;b&gt;1", "nothing is left"):
            assert expected in html, (path, expected)
        assert "user u2" not in html
    assert "$1.90 today for 2 requests, $1.90 this month" in site.get("/queues/tts").text
    assert site.get("/costs?by=planet").status_code == 422
    assert site.get("/costs?since=soon").status_code == 422
