"""Requests that no well-behaved client sends: each is refused with a reason, never with 500."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from preppath_workers import Queue

from .conftest import OWN, Serve, Site

JSON = {"Content-Type": "application/json"}
#: Half of a pair, which JSON can escape and UTF-8 cannot encode.
LONE = rb"\ud800"


def post(site: Site, path: str, body: bytes, **headers: str) -> requests.Response:
    return site.request("POST", path, data=body, headers=JSON | headers)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"data": {}, "delay": NaN}', "delay"),
        (b'{"data": {}, "expires": NaN}', "expires"),
        (b'{"data": [NaN]}', "data"),
        (b'{"id": 5, "data": ["' + LONE + b'"]}', "id"),
        (b'{"data": {}, "id": "' + LONE + b'"}', "id"),
        (b'{"data": {}, "group": "' + LONE + b'"}', "group"),
        (b'{"data": {}, "' + LONE + b'": 1}', "body"),
        (b'{"data": {}, "id": ""}', "id"),
        (b'{"data": {}, "delay": true}', "delay"),
        (b'{"data": {}, "priority": true}', "priority"),
    ],
)
def test_job_with_odd_values_is_refused_by_field(site: Site, tts: Queue, body: bytes, field: str) -> None:
    answer = post(site, "/api/v1/jobs/tts", body)

    assert answer.status_code == 422
    detail = answer.json()["detail"]
    assert field in detail if isinstance(detail, str) else field in [error["loc"][-1] for error in detail]
    assert "input" not in answer.text  # it may be a megabyte
    assert tts.counts().waiting == tts.counts().delayed == 0


def test_job_in_another_content_type_is_refused_with_the_right_one(site: Site) -> None:
    answer = post(site, "/api/v1/jobs/tts", b'{"data": {}}', **{"Content-Type": "text/plain"})

    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_ids_that_no_job_can_have_are_not_found(site: Site) -> None:
    for action in ("replay", "purge"):
        answer = post(site, f"/api/v1/queues/tts/dead/{action}", b'{"ids": ["' + LONE + b'", "\\udcff"]}')
        assert (answer.status_code, answer.json()["jobs"]) == (200, 0)


def test_many_jobs_are_selected_by_values_as_json_has_them(site: Site, tts: Queue) -> None:
    tts.enqueue({"urgent": True, "userId": None}, id="yes")
    tts.enqueue({"urgent": 1}, id="one")
    tts.enqueue({}, id="none")

    def found(**where: Any) -> list[str]:
        body = {"state": "waiting", "where": where, "dryRun": True}
        return list(site.post("/api/v1/queues/tts/jobs/cancel", body).json()["ids"])

    assert found(urgent=True) == found(urgent="true") == ["yes"]
    assert found(urgent=1) == ["one"]
    assert found(userId=None) == ["yes"]
    assert found(userId="None") == []


def test_form_with_an_unknown_action_is_refused(site: Site) -> None:
    form = {"action": "explode", "which": "all"}
    answer = site.request("POST", "/queues/tts/dead", data=form, headers={"Sec-Fetch-Site": "same-origin"})

    assert answer.status_code == 422


def test_origin_that_is_no_address_is_foreign(site: Site) -> None:
    assert site.post("/api/v1/queues/tts/pause", Origin="http://[bad").status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/metrics", "/api/v1/queues", "/static/app.js", "/find?id=olive"]
)
def test_head_is_answered_as_get_without_a_body(site: Site, path: str) -> None:
    head, get = site.request("HEAD", path), site.get(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


def test_head_of_a_stream_ends(site: Site, tts: Queue) -> None:
    tts.enqueue({}, id="j")

    for path in ("/api/v1/jobs/tts/j/events", "/?live"):
        assert site.request("HEAD", path).status_code == 405


def test_refused_method_names_those_that_are_allowed(site: Site, serve: Serve) -> None:
    for path in ("/api/v1/queues", "/queues/tts/dead"):
        answer = site.request("DELETE", path, headers={"Sec-Fetch-Site": "same-origin"})
        assert (answer.status_code, "GET" in answer.headers["Allow"]) == (405, True)
        assert "Read-only" not in answer.text
    assert serve("--read-only").post("/api/v1/queues/tts/pause").headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("job_id", ["a/b/events", "a/../b", "a/..", "a/cancel", "a:b@c+d=e-f_g.h"])
def test_job_with_an_unusual_id_is_at_the_address_that_was_answered(
    site: Site, tts: Queue, job_id: str
) -> None:
    place = post(site, "/api/v1/jobs/tts", f'{{"data": {{}}, "id": "{job_id}"}}'.encode()).headers["Location"]

    assert site.get(place).json()["id"] == job_id
    assert site.post(f"{place}/cancel").status_code == 200


def test_running_job_is_cancelled_if_asked(site: Site, tts: Queue, redis: Any) -> None:
    tts.enqueue({}, id="j")
    redis.hset(tts.keys.job("j"), mapping={"state": "active", "workerId": "i:0"})
    redis.lrem(tts.keys.wait, 1, "j")

    assert site.post("/api/v1/jobs/tts/j/cancel").status_code == 409
    answer = site.post("/api/v1/jobs/tts/j/cancel?running=true")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelling")


@pytest.mark.parametrize("path", ["/api/v1/queues/", "/queues/tts/", "/api/v1/queues/tts/pause/"])
def test_path_with_a_slash_too_many_is_not_found(site: Site, path: str) -> None:
    """A redirect would lead a client of the TLS in front of the server to plain HTTP, with its token."""
    for method in ("GET", "POST"):
        response = site.request(method, path, allow_redirects=False, headers=OWN)
        assert response.status_code in (404, 405), response.headers
