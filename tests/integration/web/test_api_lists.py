"""Jobs that are listed over HTTP: pages, filters, and what the end of a list is."""

from __future__ import annotations

from typing import Any

import requests

from preppath_workers import NewJob, Queue

from .conftest import SPEECH, Site


def ids(response: requests.Response) -> list[str]:
    return [job["id"] for job in response.json()["jobs"]]


def test_jobs_are_listed_by_page_and_filtered(site: Site, tts: Queue) -> None:
    for number in range(5):
        tts.enqueue({**SPEECH, "userId": f"u{number % 2}"}, id=f"j{number}")

    first = site.get("/api/v1/queues/tts/jobs?limit=3")
    assert (ids(first), first.json()["next"]) == (["j0", "j1", "j2"], 3)
    rest = site.get("/api/v1/queues/tts/jobs?limit=3&cursor=3")
    assert (ids(rest), rest.json()["next"]) == (["j3", "j4"], None)
    assert ids(site.get("/api/v1/queues/tts/jobs?userId=u1")) == ["j1", "j3"]
    assert site.get("/api/v1/queues/tts/jobs?state=nope").status_code == 422


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
