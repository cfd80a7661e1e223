"""The page's HTML as it is served: what it shows and changes, and how untrusted data is shown."""

from __future__ import annotations

import json
import re
from typing import Any

from preppath_workers import Queue
from preppath_workers.store.keys import BUDGET, Keys
from preppath_workers.store.reading.spending import today
from tests.support.dead_letters import add_dead_letters

from .conftest import OWN, Serve, Site, post_form

HOSTILE = "<script>alert(1)</script>\u202e\x00\"'&"


def test_jobs_are_listed_by_state_and_filtered(site: Site, tts: Queue, redis: Any) -> None:
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
    redis.zadd(tts.keys.delayed, dict.fromkeys(redis.zrange(tts.keys.delayed, 0, -1), float("inf")))
    assert site.get("/queues/tts?state=delayed").status_code == 200
    chosen = site.get("/queues/tts?userId=u1").text
    assert ("j1<" in chosen, "j2<" in chosen) == (True, False)
    assert site.get("/find?id=later").url == f"{site.url}/queues/tts/jobs/later"


def test_untrusted_data_is_shown_as_text_and_bounded(site: Site, tts: Queue, redis: Any) -> None:
    tts.enqueue({"text": HOSTILE}, id="a/../b")
    tts.enqueue({"text": "y" * 900_000}, id="large")
    assert "(900011 bytes)" in site.get("/queues/tts").text
    error = {"class": HOSTILE, "message": HOSTILE * 1_000, "service": HOSTILE}
    add_dead_letters(tts, "d", reason=HOSTILE, error=error, createdAt="1e400")
    redis.hset(tts.keys.job("d"), "data", b"\xff{")
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

    assert post_form(site, job, action="prioritize", priority="7").status_code == 200
    assert post_form(site, job, action="prioritize", priority="0").status_code == 422
    assert post_form(site, job, action="promote").status_code == 200
    found = tts.get("j")
    assert found is not None
    assert (found.priority, found.state) == (7, "waiting")
    assert "Cancel 1 job of tts?" in post_form(site, job, action="cancel").text
    assert tts.counts().waiting == 1
    assert "cancelled before it started" in post_form(site, job, action="cancel", confirmed="yes").text
    late = post_form(site, job, action="promote")
    assert (late.status_code, "cannot promote job j: it is cancelled" in late.text) == (409, True)
    assert post_form(site, "/queues/tts/jobs/none", action="promote").status_code == 404
    assert post_form(site, job, action="explode").status_code == 422


def test_dead_letters_are_grouped_and_changed_as_asked(site: Site, tts: Queue) -> None:
    add_dead_letters(tts, "r0", "r1", "r2")
    error = {"class": "PermanentError", "message": "no such question"}
    add_dead_letters(tts, "p", reason="permanent", error=error)
    dead = "/queues/tts/dead"

    assert "no such question" in site.get(dead).text
    asked = post_form(site, dead, action="replay", reason="retries", errorClass="TransientError")
    assert "Replay 3 dead letters of tts?" in asked.text
    assert tts.counts().failed == 4
    add_dead_letters(tts, "later")
    confirmed = {"confirmed": "yes", "which": "selected", "id": ["r0", "r1", "r2"]}
    done = post_form(site, dead, action="replay", **confirmed)
    assert "3 replayed" in done.text
    assert (tts.counts().failed, tts.counts().waiting) == (2, 3)
    assert (
        "Delete 1 dead letter of tts?" in post_form(site, dead, action="purge", which="selected", id="p").text
    )
    assert post_form(site, dead, action="purge", which="selected").status_code == 422
    assert (
        "1 deleted" in post_form(site, dead, action="purge", which="selected", id="p", confirmed="yes").text
    )
    assert tts.get("p") is None


def test_dead_letters_of_a_long_list_are_looked_for_a_part_at_a_time(
    site: Site, tts: Queue, redis: Any
) -> None:
    add_dead_letters(tts, *(f"x{number}" for number in range(10_050)), reason="permanent")
    redis.hset(tts.keys.job("x10040"), "reason", "invalid")
    meant = {"action": "purge", "reason": "invalid"}

    first = post_form(site, "/queues/tts/dead", **meant).text
    assert "None of the oldest 10,000 dead letters matches." in first
    assert '<input type="hidden" name="cursor" value="10000">' in first
    assert "Delete 1 dead letter of tts?" in post_form(site, "/queues/tts/dead", **meant, cursor="10000").text
    assert "These are the oldest that match" in post_form(site, "/queues/tts/dead", action="replay").text


def test_page_of_a_queue_names_what_a_machine_lacks(site: Site, tts: Queue, redis: Any) -> None:
    tts.call("heartbeat", "web-1-a", 60_000, 1, 0, 0, 0, 0, "workers", 1)
    trouble = {"trouble": '{"message":"this machine: disk full"}', "troubleAt": tts.now()}
    redis.hset(tts.keys.instance("web-1-a"), mapping=trouble)

    assert "web-1-a: this machine: disk full" in site.get("/queues/tts").text


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


def test_costs_page_by_user_of_jobs_without_users_shows_what_they_cost(
    site: Site, redis: Any, tts: Queue
) -> None:
    redis.hset(tts.keys.spent_on(today(tts).isoformat()), mapping={"m calls": 2, "m nano": 1_900_000_000})
    html = site.get("/costs?by=user").text
    assert "$1.90 for 2 requests" in html
    assert "No paid requests of jobs with a user since" in html


def test_job_page_shows_its_failed_attempts_and_that_it_runs(site: Site, tts: Queue, redis: Any) -> None:
    now = tts.now()
    failed = {"attempt": 1, "startedAt": now - 9_000, "failedAt": now - 8_000, "workerId": "host-1:0"}
    tts.enqueue({}, id="j")
    redis.hset(
        tts.keys.job("j"),
        mapping={
            "failedAttempts": json.dumps([{**failed, "class": "ServiceError", "message": "no answer"}]),
            "queuedAt": now - 5_000,
            "failures": 1,
            "excused": 2,
        },
    )
    shown = site.get("/queues/tts/jobs/j").text
    assert "ServiceError: no answer" in shown
    assert "1 failure, 2 failures not counted" in shown
