"""The web process: events of jobs, outages of Redis, and its stop."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.keys import LAYOUT
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .conftest import SPEECH, STOP_DEADLINE, Serve, Site


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
    assert (again.status_code, again.text) == (204, "")  # tells a browser not to reconnect


@pytest.mark.parametrize("path", ["/?live", "/api/v1/jobs/tts/j/events"])
def test_events_are_passed_on_at_once_by_proxies(site: Site, tts: Queue, path: str) -> None:
    """nginx collects 4 or 8 KB of an answer before it passes them on, unless the answer says otherwise."""
    tts.enqueue(SPEECH, id="j")
    with site.request("GET", path, stream=True) as response:
        assert response.headers["X-Accel-Buffering"] == "no"


def test_events_of_a_job_that_is_no_longer_stored_end_with_gone(site: Site, tts: Queue, redis: Any) -> None:
    tts.enqueue(SPEECH, id="j")
    with site.request("GET", "/api/v1/jobs/tts/j/events", stream=True) as response:
        lines = response.iter_lines(decode_unicode=True)
        next(line for line in lines if line.startswith("event:"))
        redis.delete(tts.keys.job("j"))
        assert "event: gone" in [*lines]


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


def test_queue_of_a_newer_layout_is_named_until_the_server_is_updated(serve: Serve, tts: Queue) -> None:
    tts.redis.hset(tts.keys.meta, "layout", LAYOUT + 1)
    site, trouble = serve(), f"queue tts has layout {LAYOUT + 1}, this version knows {LAYOUT}: update"
    for path in ("/api/v1/queues", "/api/v1/jobs/tts/j", "/metrics", "/queues/tts"):
        answer = site.get(path)
        assert answer.status_code == 503
        assert trouble in answer.text, path
    with site.request("GET", "/queues/tts?live", stream=True) as response:
        lines = response.iter_lines(decode_unicode=True)
        assert "event: trouble" in lines
        assert trouble in next(lines)


def test_probe_of_the_process_is_answered_while_all_threads_wait_for_redis(serve: Serve) -> None:
    """A monitor that gets no answer restarts the process, which ends the browsers' sessions."""
    with RedisServer() as server, ExitStack() as opened:
        site = serve(REDIS_URL=server.url)
        assert site.get("/readyz").status_code == 200
        os.kill(server.pid, signal.SIGSTOP)
        opened.callback(os.kill, server.pid, signal.SIGCONT)
        port = int(site.url.rpartition(":")[2])
        waiting = [opened.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(60)]
        for client in waiting:
            client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert site.get("/healthz").status_code == 200
        assert select.select(waiting, [], [], 0)[0] == []  # none of them was answered before


def test_server_stops_in_order_on_sigterm(serve: Serve) -> None:
    site = serve()
    site.process.terminate()
    assert site.process.wait(STOP_DEADLINE) == 0


def test_server_with_open_streams_stops_without_an_error(serve: Serve, tts: Queue, tmp_path: Path) -> None:
    tts.enqueue(SPEECH, id="j")
    site = serve(LOG_FORMAT="json")
    streams: list[Iterator[str]] = []  # which would be closed if nothing held them
    with ExitStack() as opened:
        for path in ("/?live", "/api/v1/jobs/tts/j/events"):
            response = opened.enter_context(site.request("GET", path, stream=True))
            streams.append(response.iter_lines(decode_unicode=True))
            assert any(line.startswith("event:") for line in streams[-1])
        site.process.terminate()
        assert site.process.wait(STOP_DEADLINE) == 0
    assert '"error"' not in (tmp_path / "web.log").read_text(encoding="utf-8")


def test_server_started_with_sigterm_blocked_stops_on_it(redis_url: str) -> None:
    # As in the Dockerfile, whose entrypoint blocks the signal until a handler can be there.
    web = [sys.executable, "-m", "preppath_workers", "web", "--port", "0"]
    command = ["env", "--block-signal=TERM,HUP", *web]
    with subprocess.Popen(
        command, env={**os.environ, "REDIS_URL": redis_url}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"listening on ")
        process.terminate()
        try:
            assert process.wait(STOP_DEADLINE) == 0
        finally:
            process.kill()
