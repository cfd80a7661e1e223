"""The log of running processes: a stuck reader, and secrets from every source."""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from preppath_workers import Queue
from tests.support.process import children_of
from tests.support.waiting import eventually

from .conftest import Start
from .harness import App, state_of

pytestmark = pytest.mark.processes

SECRET = "sk-not-to-be-seen"


@pytest.fixture
def full_pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a full pipe."""
    reading, writing = os.pipe()
    fill(writing)
    yield reading, writing
    for end in (reading, writing):
        os.close(end)


def fill(pipe: int) -> None:
    """Write to the pipe until it is full, beside other writers."""
    filling = os.open(f"/proc/self/fd/{pipe}", os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(filling, b"{}\n".rjust(select.PIPE_BUF))
    os.close(filling)


@contextmanager
def stuck(app: App, alpha: Queue) -> Iterator[App]:
    """Start the supervisor and fill the pipe that is its log."""
    reading, writing = os.pipe()
    app.stderr = writing
    app.launch()
    eventually(lambda: alpha.counts().workers == 2)
    fill(writing)
    yield app
    for end in (reading, writing):
        os.close(end)


def test_log_with_a_stuck_reader_delays_neither_jobs_nor_timeouts_nor_the_stop(
    launch: Start, alpha: Queue, full_pipe: tuple[int, int]
) -> None:
    reading, writing = full_pipe
    beta = Queue("beta", alpha.redis, alpha.keys.prefix)
    found = bytearray()

    def logged(message: str) -> list[dict[str, object]]:
        while select.select([reading], [], [], 0)[0]:
            found.extend(os.read(reading, 65_536))
        return [line for line in map(json.loads, found.splitlines()) if line.get("message") == message]

    app = launch(ALPHA_RETRIES="0", BETA_TIMEOUT="1", BETA_RETRIES="0")
    app.stderr = writing
    app.launch()
    eventually(lambda: alpha.counts().workers == 2, deadline=30)
    alpha.enqueue({"do": "print", "lines": 3_000}, id="prints")
    eventually(lambda: state_of(alpha, "prints") == "completed", deadline=30)
    beta.enqueue({"do": "sleep", "seconds": 30}, id="sleeps")
    eventually(lambda: state_of(beta, "sleeps") == "failed", deadline=30)
    job = beta.get("sleeps")
    assert job is not None
    assert job.error is not None
    assert job.error["class"] == "JobTimeout"

    assert not logged("Job completed")  # from here on the test reads
    for number in range(4):
        alpha.enqueue({}, id=f"j{number}")
    eventually(lambda: logged("Log lines dropped: they could not be written"), deadline=30)

    fill(writing)
    assert app.stop() == 0


def test_log_of_a_job_that_leaks_a_secret_never_shows_it(launch: Start, alpha: Queue) -> None:
    app = launch(OPENAI_API_KEY=SECRET, ALPHA_RETRIES="0", ALPHA_CONCURRENCY="1").start()
    ways = ["print", "error", "interrupt", "thread", "finaliser", "logging"]
    for how in ways:
        alpha.enqueue({"do": "leak_secret", "how": how}, id=how)
    eventually(lambda: alpha.counts().completed + alpha.counts().failed == len(ways))
    eventually(lambda: app.logged("Unhandled exception in thread"))
    ignored = [line for line in app.lines() if line["message"].startswith("Exception ignored ")]
    assert ignored  # how the message ends depends on Python's version
    assert app.logged("Cannot format log line")
    (printed,) = app.logged("printed ***")
    assert printed.items() >= {"jobId": "print", "queue": "alpha", "logger": "stdout"}.items()
    assert app.stop() == 0
    assert SECRET not in app.log_path.read_text(encoding="utf-8")
    assert "***" in str([job.error for job in alpha.dead_letters()])


def test_stop_signal_that_arrives_twice_while_the_reader_is_stuck_finishes_active_jobs(
    launch: Start, alpha: Queue
) -> None:
    """The supervisor waits half a second for the reader, and finds the second signal after that."""
    with stuck(launch(SHUTDOWN_GRACE="60"), alpha) as app:
        alpha.enqueue({"do": "sleep", "seconds": 2}, id="j")
        app.pid_of("j")
        app.send(signal.SIGINT)
        app.send(signal.SIGTERM)
        assert app.wait() == 0
    assert state_of(alpha, "j") == "completed"


def test_lease_is_released_although_all_processes_die_while_a_stop_waits_for_the_reader(
    launch: Start, alpha: Queue
) -> None:
    """The supervisor finds all of them dead in one turn, after it has begun to stop."""
    with stuck(launch(LEASE_SECONDS="60"), alpha) as app:
        alpha.enqueue({"do": "sleep", "seconds": 60}, id="j")
        app.pid_of("j")
        app.send(signal.SIGTERM)
        for pid in children_of(app.pid):
            os.kill(int(pid), signal.SIGKILL)
        assert app.wait() == 0
    assert state_of(alpha, "j") == "waiting"
    assert alpha.redis.zcard(alpha.keys.instances) == 0
