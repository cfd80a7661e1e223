"""Who may do what over HTTP, and what a foreign page cannot do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from preppath_workers import Queue
from preppath_workers.cli.main import main
from preppath_workers.web.tokens import new_token

from .conftest import Serve, Site

JOB = {"data": {"questionId": "q1", "text": "x"}}


def test_tokens_allow_their_scopes_and_nothing_else(serve: Serve) -> None:
    made = {name: new_token(name, [name]) for name in ("read", "enqueue", "admin")}  # type: ignore[list-item]
    site = serve(WEB_TOKENS=",".join(entry for _, entry in made.values()))

    def statuses(authorization: str) -> list[int]:
        headers = {"Authorization": authorization}
        return [
            site.get("/api/v1/queues", **headers).status_code,
            site.post("/api/v1/jobs/tts", JOB, **headers).status_code,
            site.post("/api/v1/queues/tts/pause", **headers).status_code,
        ]

    assert statuses(f"Bearer {made['read'][0]}") == [200, 403, 403]
    assert statuses(f"Bearer {made['enqueue'][0]}") == [403, 202, 403]
    assert statuses(f"Bearer {made['admin'][0]}") == [403, 403, 200]
    for wrong in ("Bearer wrong", f"Basic {made['read'][0]}", "Bearer ", made["read"][1], "Bearer é"):
        assert statuses(wrong.encode().decode("latin-1")) == [401, 401, 401]
    refused = site.get("/api/v1/queues")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert site.get("/healthz").status_code == 200
    assert site.get("/metrics").status_code == 401


def test_requests_from_foreign_pages_and_names_are_refused(site: Site, tts: Queue) -> None:
    for name, value in (
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
    ):
        assert site.post("/api/v1/queues/tts/pause", **{name: value}).status_code == 403, value
    assert not tts.gate().paused
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:80", "[::1].evil.example", ""):
        assert site.get("/api/v1/queues", Host=host).status_code == 421, host
    own = site.url.removeprefix("http://")
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": f"http://{own}"}):
        assert site.post("/api/v1/queues/tts/pause", **headers).status_code == 200
    assert site.get("/api/v1/queues", Host="localhost:1234").status_code == 200


@pytest.mark.parametrize("host", ["10.0.0.7:8070", "[fd00::7]:8070", "10.0.0.7"])
def test_address_is_accepted_as_host(site: Site, host: str) -> None:
    # Probes of Kubernetes and of load balancers ask the address of this process.
    assert site.get("/healthz", Host=host).status_code == 200


def test_probe_in_http_1_0_without_a_host_is_accepted(site: Site) -> None:
    """As HAProxy sends it by default."""
    with socket.create_connection(("127.0.0.1", int(site.url.rpartition(":")[2])), timeout=10) as client:
        client.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


def test_page_of_another_site_may_link_here_and_load_nothing(site: Site) -> None:
    for where in ("cross-site", "same-site"):
        for path in ("/", "/?live", "/api/v1/queues", "/metrics", "/static/app.js"):
            link = {"Sec-Fetch-Site": where, "Sec-Fetch-Mode": "navigate"}
            for mode in ("cors", "no-cors"):
                assert site.get(path, **link | {"Sec-Fetch-Mode": mode}).status_code == 403, (where, path)
            if path != "/?live":
                assert site.get(path, **link).status_code == 200, (where, path)
    assert site.get("/api/v1/queues", **{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}).ok
    assert site.get("/").headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_configured_hosts_are_known(serve: Serve) -> None:
    site = serve(WEB_HOSTS="queues.example.com")

    assert site.get("/healthz", Host="queues.example.com").status_code == 200


def test_read_only_server_changes_nothing(serve: Serve, tts: Queue) -> None:
    site = serve("--read-only")

    assert site.post("/api/v1/jobs/tts", JOB).status_code == 405
    assert site.post("/api/v1/queues/tts/pause").status_code == 405
    assert site.request("DELETE", "/api/v1/queues/tts").status_code == 405
    assert site.get("/api/v1/queues").status_code == 200
    assert (tts.counts().waiting, tts.gate().paused) == (0, False)


def test_responses_carry_headers_that_bind_a_browser(site: Site) -> None:
    for path in ("/api/v1/queues", "/nothing"):
        headers = site.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
        assert "Server" not in headers


def test_web_without_tokens_refuses_to_listen_for_other_machines(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["web", "--host", "0.0.0.0"]) == 78  # noqa: S104
    assert "is not loopback: set WEB_TOKENS" in capsys.readouterr().err


@pytest.mark.parametrize("tokens", ["x", "a:read:beef", f"a:write:{'0' * 64}", f"a:read+:{'0' * 64}"])
def test_web_with_malformed_tokens_names_the_variable_only(
    tokens: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_TOKENS", tokens)

    assert main(["web"]) == 78
    printed = capsys.readouterr().err
    assert "WEB_TOKENS is wrong" in printed
    assert tokens not in printed or len(tokens) == 1


def test_new_token_is_printed_with_its_entry(capsys: pytest.CaptureFixture[str], serve: Serve) -> None:
    assert main(["web", "--new-token", "api", "--scopes", "read,enqueue"]) == 0
    token, entry = (line.partition(": ")[2] for line in capsys.readouterr().out.splitlines())

    assert entry.startswith("api:read+enqueue:")
    assert token not in entry
    assert serve(WEB_TOKENS=entry).get("/api/v1/queues", Authorization=f"Bearer {token}").status_code == 200
