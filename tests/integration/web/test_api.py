"""What the status API shows of jobs, queues and costs."""

from __future__ import annotations

import json
from typing import Any

from preppath_workers import Queue
from preppath_workers.cli.main import main
from preppath_workers.store.keys import BUDGET, Keys
from preppath_workers.store.reading.spending import today

from .conftest import SPEECH, Serve, Site


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


def test_queues_over_http_are_as_the_command_shows_them(
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
