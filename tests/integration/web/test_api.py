"""The status API over HTTP: its routes, words and statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import requests
from redis import Redis

from preppath_workers import NewJob, Queue
from preppath_workers.cli.main import main
from preppath_workers.store.keys import BUDGET, Keys
from preppath_workers.store.reading.spending import today
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .conftest import Serve, Site

SPEECH = {"questionId": "q1", "text": "What is a heap?"}


def ids(response: requests.Response) -> list[str]:
    return [job["id"] for job in response.json()["jobs"]]


def test_enqueue_adds_a_job_once_and_names_its_place(site: Site, tts: Queue) -> None:
    first = site.post("/api/v1/jobs/tts", {"data": SPEECH, "id": "a/b", "priority": 7})
    again = site.post("/api/v1/jobs/tts", {"data": SPEECH, "id": "a/b"})

    assert (first.status_code, first.json()) == (202, {"queue": "tts", "id": "a/b", "created": True})
    assert (again.status_code, again.json()["created"]) == (200, False)
    found = site.get(first.headers["Location"]).json()
    job = tts.get("a/b")
    assert job is not None
    assert found == job.to_dict()
    assert (found["state"], found["priority"], found["data"]) == ("waiting", 7, SPEECH)


def test_enqueue_refuses_what_is_wrong_and_names_it(site: Site, tts: Queue) -> None:
    def answer(body: object, queue: str = "tts") -> tuple[int, str]:
        response = site.post(f"/api/v1/jobs/{queue}", body)
        return response.status_code, json.dumps(response.json())

    for body, field in (
        ({"data": []}, "data"),
        ({}, "data"),
        ({"data": {}, "priority": 0}, "priority"),
        ({"data": {}, "delay": -1}, "delay"),
        ({"data": {}, "id": "no spaces"}, "id"),
        ({"data": {}, "dealy": 5}, "dealy"),
    ):
        status, text = answer(body)
        assert (status, field in text) == (422, True), (body, text)
    assert answer({"data": {}}, "nope")[0] == 404
    assert answer({"data": {"text": "x" * 1_000_001}})[0] == 413
    assert answer({"data": {"text": "x" * 2_000_000}})[0] == 413
    assert tts.counts().waiting == 0


def test_group_of_jobs_is_shown_and_closed(site: Site, tts: Queue) -> None:
    site.post("/api/v1/jobs/tts", {"data": SPEECH, "id": "a", "group": "i/7"})
    sized = {"data": SPEECH, "id": "b", "group": "i/8", "groupSize": 2, "expires": 60}
    assert site.post("/api/v1/jobs/tts", sized).status_code == 202
    tts.cancel("a")

    assert site.get("/api/v1/queues/tts/groups/i/7").json()["ended"] is False
    closed = site.post("/api/v1/queues/tts/groups/i/7/close", {}).json()
    assert (closed["ended"], closed["cancelled"]) == (True, 1)
    assert site.get("/api/v1/queues/tts/groups/i/8").json()["size"] == 2
    assert site.get("/api/v1/queues/tts/groups/other").status_code == 404


def test_many_jobs_are_cancelled_by_what_they_are_after_a_dry_run(site: Site, tts: Queue) -> None:
    tts.enqueue_many(NewJob({"userId": f"u{number % 2}"}, id=f"j{number:03}") for number in range(900))
    tts.enqueue({"userId": "u1"}, id="later", delay=60)
    theirs = {"state": "waiting", "where": {"userId": "u1"}}

    def cancel(**more: object) -> Any:
        return site.post("/api/v1/queues/tts/jobs/cancel", {**theirs, **more}).json()

    dry = cancel(dryRun=True, limit=3)
    assert dry == {
        "queue": "tts",
        "dryRun": True,
        "jobs": 3,
        "next": 6,
        "ids": ["j001", "j003", "j005"],
    }
    assert tts.counts().waiting == 900
    assert cancel(olderThan="1h") == {"queue": "tts", "dryRun": False, "jobs": 0, "next": None}

    answers = [cancel()]
    while answers[-1]["next"] is not None:
        answers.append(cancel(cursor=answers[-1]["next"]))
    assert [answer["jobs"] for answer in answers] == [200, 200, 50]
    assert {job.data["userId"] for job in tts.jobs("waiting", count=900)} == {"u0"}
    assert tts.counts().delayed == 1


def test_cancelling_many_refuses_what_is_wrong(site: Site, tts: Queue) -> None:
    for body in ({}, {"state": "failed"}, {"state": "waiting", "were": {}}, {"state": "waiting", "limit": 0}):
        assert site.post("/api/v1/queues/tts/jobs/cancel", body).status_code == 422
    assert site.post("/api/v1/queues/nope/jobs/cancel", {"state": "waiting"}).status_code == 404


def test_job_that_has_not_changed_is_answered_with_304(site: Site, tts: Queue) -> None:
    tts.enqueue(SPEECH, id="j")
    first = site.get("/api/v1/jobs/tts/j")
    assert first.headers["Retry-After"] == "1"

    assert site.get("/api/v1/jobs/tts/j", **{"If-None-Match": first.headers["ETag"]}).status_code == 304
    tts.cancel("j")
    changed = site.get("/api/v1/jobs/tts/j", **{"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, changed.json()["state"]) == (200, "cancelled")
    assert "Retry-After" not in changed.headers


def test_queues_and_lists_that_have_not_changed_are_answered_with_304(site: Site, tts: Queue) -> None:
    tts.enqueue(SPEECH, id="j", group="g")
    paths = ("", "/tts", "/tts/jobs", "/tts/groups/g")
    known = {path: site.get(f"/api/v1/queues{path}").headers for path in paths}
    assert all(int(headers["Retry-After"]) >= 1 for headers in known.values())

    def status(path: str) -> int:
        return site.get(f"/api/v1/queues{path}", **{"If-None-Match": known[path]["ETag"]}).status_code

    assert [status(path) for path in paths] == [304] * 4
    tts.enqueue(SPEECH, id="k", group="g")
    assert [status(path) for path in paths] == [200] * 4


def test_costs_are_those_of_the_command(
    serve: Serve, tts: Queue, redis: Any, capsys: Any, monkeypatch: Any, redis_url: str, key_prefix: str
) -> None:
    day = today(tts).isoformat()
    redis.hset(tts.keys.spent_on(day), mapping={"m calls": 2, "m nano": 1_500_000, "m input": 7})
    redis.zadd(tts.keys.spent_on(day) + ":users:nano", {"u1": 1_500_000})
    redis.hset(Keys(key_prefix, BUDGET).budget(day), "spent all", 1_500_000)
    site = serve(BUDGET_DAY="20")
    for name, value in (("REDIS_URL", redis_url), ("KEY_PREFIX", key_prefix), ("BUDGET_DAY", "20")):
        monkeypatch.setenv(name, value)

    def printed(*options: str) -> list[Any]:
        assert main(["costs", "--json", *options]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    for by in ("model", "queue", "user", "day"):
        shown = site.get(f"/api/v1/costs?by={by}&since=7d").json()
        assert shown["rows"] == printed("--by", by, "--since", "7d")
        assert (len(shown["rows"]), shown["total"]["dollars"], shown["more"]) == (1, "0.0015", 0)
    assert shown["caps"] == printed("--caps")
    assert [use["scope"] for use in shown["caps"]] == ["all"]
    for wrong in ("by=planet", "since=soon", "since=0d", "since=99999d", "limit=0"):
        assert site.get(f"/api/v1/costs?{wrong}").status_code == 422, wrong


def test_job_has_its_failed_attempts(site: Site, tts: Queue, redis: Any) -> None:
    tts.enqueue(SPEECH, id="j")
    attempts = [
        {"startedAt": 1_000, "failedAt": 2_500, "workerId": "host:0", "class": "E", "message": "no"},
        {"startedAt": "x", "failedAt": None, "class": {"a": float("nan")}},
    ]
    redis.hset(tts.keys.job("j"), "failedAttempts", json.dumps(attempts))

    first, second = site.get("/api/v1/jobs/tts/j").json()["failedAttempts"]
    assert first == {
        "startedAt": "1970-01-01T00:00:01.000Z",
        "failedAt": "1970-01-01T00:00:02.500Z",
        "workerId": "host:0",
        "class": "E",
        "message": "no",
    }
    assert (second["startedAt"], second["failedAt"], second["message"]) == (None, None, "")


def test_transcription_status_has_the_documented_route(site: Site, redis: Any, key_prefix: str) -> None:
    Queue("transcription", redis, key_prefix).enqueue({"recordingId": "r", "userId": "u"}, id="t1")

    assert site.get("/api/v1/audio/transcription-status/t1").json()["state"] == "waiting"
    missing = site.get("/api/v1/audio/transcription-status/none")
    assert (missing.status_code, "'none'" in missing.json()["detail"]) == (404, True)


def test_jobs_are_listed_by_page_and_filtered(site: Site, tts: Queue) -> None:
    for number in range(5):
        tts.enqueue({**SPEECH, "userId": f"u{number % 2}"}, id=f"j{number}")

    first = site.get("/api/v1/queues/tts/jobs?limit=3")
    assert (ids(first), first.json()["next"]) == (["j0", "j1", "j2"], 3)
    rest = site.get("/api/v1/queues/tts/jobs?limit=3&cursor=3")
    assert (ids(rest), rest.json()["next"]) == (["j3", "j4"], None)
    assert ids(site.get("/api/v1/queues/tts/jobs?userId=u1")) == ["j1", "j3"]
    assert site.get("/api/v1/queues/tts/jobs?state=nope").status_code == 422


def test_queues_are_told_as_the_command_tells_them(
    site: Site, tts: Queue, capsys: Any, monkeypatch: Any, redis_url: str, key_prefix: str
) -> None:
    tts.enqueue(SPEECH)
    tts.pause()
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("KEY_PREFIX", key_prefix)

    assert main(["queues", "--json"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert site.get("/api/v1/queues").json() == printed
    assert site.get("/api/v1/queues/tts").json()["paused"] is True


def test_queue_is_paused_and_resumed(site: Site, tts: Queue) -> None:
    assert site.post("/api/v1/queues/tts/pause").json()["paused"] is True
    assert tts.gate().paused
    assert site.post("/api/v1/queues/tts/resume").json()["paused"] is False
    assert not tts.gate().paused


def test_job_is_cancelled_once_it_exists(site: Site, tts: Queue) -> None:
    tts.enqueue(SPEECH, id="j")

    assert site.post("/api/v1/jobs/tts/j/cancel").json()["state"] == "cancelled"
    assert site.post("/api/v1/jobs/tts/none/cancel").status_code == 404


def test_dead_jobs_are_replayed_after_a_dry_run(site: Site, tts: Queue, redis: Any) -> None:
    tts.enqueue(SPEECH, id="alive")
    redis.lpush(tts.keys.dead, "d1")
    redis.hset(
        tts.keys.job("d1"), mapping={"data": "{}", "state": "failed", "priority": "50", "reason": "retries"}
    )
    replay = "/api/v1/queues/tts/dead/replay"

    dry = site.post(replay, {"ids": ["d1", "alive"], "dryRun": True}).json()
    assert (dry["ids"], tts.counts().failed) == (["d1"], 1)
    assert dry["cost"]["jobs"] == len(dry["ids"])
    done = site.post(replay, {"ids": ["d1"]}).json()
    assert done == {"queue": "tts", "jobs": 1, "dryRun": False, "next": None}
    assert (tts.counts().failed, tts.counts().waiting) == (0, 2)
    assert site.post(replay, {"ids": []}).status_code == 422


def test_events_tell_each_change_until_the_job_has_ended(site: Site, tts: Queue) -> None:
    tts.enqueue(SPEECH, id="j")
    with site.request("GET", "/api/v1/jobs/tts/j/events", stream=True) as response:
        lines = response.iter_lines(decode_unicode=True)
        seen = [next(line for line in lines if line.startswith("event:"))]
        tts.cancel("j")
        rest = list(lines)
    seen += [line for line in rest if line.startswith("event:")]
    last = [line.removeprefix("id: ") for line in rest if line.startswith("id:")][-1]

    assert seen == ["event: waiting", "event: cancelled"]
    assert response.headers["Content-Type"].startswith("text/event-stream")
    again = site.get("/api/v1/jobs/tts/j/events", **{"Last-Event-ID": last})
    assert "event:" not in again.text


def test_server_whose_redis_is_away_says_so_and_recovers(serve: Any) -> None:
    with RedisServer() as server:
        site = serve(REDIS_URL=server.url)
        assert site.get("/readyz").status_code == 200
        server.stop()
        away = site.get("/api/v1/queues")
        assert (away.status_code, away.headers["Retry-After"]) == (503, "5")
        assert (site.get("/healthz").status_code, site.get("/readyz").status_code) == (200, 503)
        server.start()
        eventually(lambda: site.get("/readyz").status_code == 200)


def test_events_and_requests_while_redis_is_demoted_say_so_and_go_on(serve: Serve, key_prefix: str) -> None:
    trouble = "Redis refuses the command: this server is a replica and has lost its primary"
    with RedisServer() as server, Redis.from_url(server.url) as client:
        client.config_set("replica-serve-stale-data", "no")
        tts = Queue("tts", client, key_prefix)
        tts.enqueue(SPEECH, id="j")
        site = serve(REDIS_URL=server.url)
        with site.request("GET", "/api/v1/jobs/tts/j/events", stream=True) as response:
            lines = response.iter_lines(decode_unicode=True)
            assert "event: waiting" in lines
            client.replicaof("127.0.0.1", 1)
            assert f": {trouble}" in lines
            away = site.get("/api/v1/queues/tts")
            client.replicaof("NO", "ONE")
            tts.cancel("j")
            assert "event: cancelled" in lines
    assert (away.status_code, away.json()["detail"]) == (503, trouble)


def test_server_stops_in_order_on_sigterm(site: Site) -> None:
    site.process.terminate()
    assert site.process.wait(10) == 0


def test_server_started_with_sigterm_blocked_stops_on_it(redis_url: str) -> None:
    # As in the Dockerfile, whose entrypoint blocks the signal until a handler can be there.
    command = [
        "env",
        "--block-signal=TERM,HUP",
        sys.executable,
        "-m",
        "preppath_workers",
        "web",
        "--port",
        "0",
    ]
    with subprocess.Popen(
        command, env={**os.environ, "REDIS_URL": redis_url}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"listening on ")
        process.terminate()
        try:
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_filtered_list_goes_on_over_all_jobs(site: Site, tts: Queue, redis: Any) -> None:
    tts.enqueue_many(NewJob({"userId": f"u{n % 1500}"}, id=f"j{n}") for n in range(3_100))
    redis.hset(tts.keys.job("j7"), "createdAt", tts.now() - 7_200_000)

    seen, cursor, pages = [], 0, 0
    while cursor is not None:
        page = site.get(f"/api/v1/queues/tts/jobs?userId=u42&limit=2&cursor={cursor}").json()
        seen += [job["id"] for job in page["jobs"]]
        cursor, pages = page["next"], pages + 1
    assert (seen, pages) == (["j42", "j1542", "j3042"], 2)
    assert ids(site.get("/api/v1/queues/tts/jobs?olderThan=1h")) == ["j7"]
    assert ids(site.get("/api/v1/queues/tts/jobs?newerThan=1h&limit=1")) == ["j0"]
    assert ids(site.get("/api/v1/queues/tts/jobs?id=304&limit=1")) == ["j304"]
    assert site.get("/api/v1/queues/tts/jobs?olderThan=soon").status_code == 422


def test_page_without_a_job_is_not_the_end_of_the_list(site: Site, tts: Queue, redis: Any) -> None:
    for number in range(6):
        tts.enqueue(SPEECH, id=f"j{number}")
    redis.hset(tts.keys.job("j1"), "state", "cancelled")

    first = site.get("/api/v1/queues/tts/jobs?limit=3")
    assert ids(first) == ["j0", "j2", "j3"]
    assert ids(site.get(f"/api/v1/queues/tts/jobs?limit=3&cursor={first.json()['next']}")) == ["j4", "j5"]


def test_dead_jobs_are_selected_by_what_they_died_of(site: Site, tts: Queue, redis: Any) -> None:
    for job_id, error_class, hours in (("d1", "A", 3), ("d2", "B", 3), ("d3", "A", 0)):
        died = {"finishedAt": tts.now() - hours * 3_600_000, "error": json.dumps({"class": error_class})}
        fields = {"data": "{}", "state": "failed", "priority": "50", "reason": "retries", **died}
        redis.hset(tts.keys.job(job_id), mapping=fields)
        redis.lpush(tts.keys.dead, job_id)

    def change(action: str, **body: object) -> Any:
        return site.post(f"/api/v1/queues/tts/dead/{action}", body)

    assert change("replay", errorClass="A", dryRun=True).json()["ids"] == ["d1", "d3"]
    assert change("replay", errorClass="A", olderThan="1h").json()["jobs"] == 1
    assert (change("purge").status_code, change("purge", reason="invalid").json()["jobs"]) == (422, 0)
    assert change("purge", all=True).json()["jobs"] == 2
    assert (tts.counts().failed, tts.counts().waiting) == (0, 1)


def add_dead(tts: Queue, redis: Any, numbers: range, reason: str) -> None:
    with redis.pipeline() as pipeline:
        for number in numbers:
            fields = {
                "data": "{}",
                "state": "failed",
                "priority": "50",
                "reason": reason,
                "finishedAt": number,
            }
            pipeline.hset(tts.keys.job(f"d{number}"), mapping=fields)
            pipeline.lpush(tts.keys.dead, f"d{number}")
        pipeline.execute()


def test_replay_looks_at_a_bounded_number_of_dead_jobs_and_tells_where_to_go_on(
    site: Site, tts: Queue, redis: Any
) -> None:
    add_dead(tts, redis, range(2_600), "permanent")
    add_dead(tts, redis, range(2_600, 3_200), "retries")

    def replay(**body: object) -> list[Any]:
        answers, cursor = [], 0
        while cursor is not None:
            answers.append(site.post("/api/v1/queues/tts/dead/replay", {**body, "cursor": cursor}).json())
            cursor = answers[-1]["next"]
        return [(answer["jobs"], answer["next"]) for answer in answers]

    assert replay(reason="retries", dryRun=True) == [(0, 2_000), (500, 3_100), (100, None)]
    assert replay(reason="retries") == [(0, 2_000), (500, 2_600), (100, None)]
    assert (tts.counts().failed, tts.counts().waiting) == (2_600, 600)
    assert replay(ids=["d2000", "d3000"]) == [(1, None)]
    wrong = site.post("/api/v1/queues/tts/dead/replay", {"all": True, "cursor": -1})
    assert wrong.status_code == 422


def test_replay_skips_what_a_replay_cannot_help_unless_it_is_named(
    site: Site, tts: Queue, redis: Any
) -> None:
    for number, reason in enumerate(("retries", "invalid", "malformed", "retries")):
        add_dead(tts, redis, range(number, number + 1), reason)
    redis.hset(tts.keys.job("d3"), "replays", 3)

    def found(**body: object) -> Any:
        return site.post("/api/v1/queues/tts/dead/replay", {**body, "dryRun": True}).json()["ids"]

    assert found(all=True) == ["d0"]
    assert found(all=True, maxReplays=4) == ["d0", "d3"]
    assert found(reason="invalid") == ["d1"]
    assert found(ids=["d2", "d3"]) == ["d2", "d3"]
    purge = {"all": True, "dryRun": True}
    assert len(site.post("/api/v1/queues/tts/dead/purge", purge).json()["ids"]) == 4


def test_events_of_a_job_that_is_no_longer_stored_end_with_gone(site: Site, tts: Queue, redis: Any) -> None:
    tts.enqueue(SPEECH, id="j")
    with site.request("GET", "/api/v1/jobs/tts/j/events", stream=True) as response:
        lines = response.iter_lines(decode_unicode=True)
        next(line for line in lines if line.startswith("event:"))
        redis.delete(tts.keys.job("j"))
        assert "event: gone" in [*lines]
