"""Jobs that are added and cancelled over HTTP, alone and as a group."""

from __future__ import annotations

import json
from typing import Any

from preppath_workers import NewJob, Queue

from .conftest import SPEECH, Site


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
        ({"data": {}, "at": 2_080_108_800}, "at"),
        ({"data": {}, "at": "2035-12-01"}, "at must be a time with a time zone"),
        ({"data": {}, "at": "2526-12-01T08:00:00Z"}, '"detail": "at must be at most ten years from now'),
        ({"data": {}, "at": "2035-12-01T08:00:00Z", "delay": 5}, "at and delay exclude each other"),
        ({"data": {}, "at": "2035-12-01T08:00:00Z", "expires": 5}, "expires must be later than at, and"),
    ):
        status, text = answer(body)
        assert (status, field in text) == (422, True), (body, text)
    assert answer({"data": {}}, "nope")[0] == 404
    assert answer({"data": {"text": "x" * 1_000_001}})[0] == 413
    assert answer({"data": {"text": "x" * 2_000_000}})[0] == 413
    assert tts.counts().waiting == tts.counts().delayed == 0


def test_enqueue_at_a_time_delays_the_job_until_then(site: Site, tts: Queue) -> None:
    site.post("/api/v1/jobs/tts", {"data": SPEECH, "id": "j", "at": "2035-12-01T09:00:00+01:00"})
    assert tts.redis.zscore(tts.keys.delayed, "j") == 2_080_108_800_000


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


def test_job_is_cancelled_once_it_exists(site: Site, tts: Queue) -> None:
    tts.enqueue(SPEECH, id="j")

    assert site.post("/api/v1/jobs/tts/j/cancel").json()["state"] == "cancelled"
    assert site.post("/api/v1/jobs/tts/none/cancel").status_code == 404


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
