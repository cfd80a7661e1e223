"""Notifications to systemd, over a real socket."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from preppath_workers import Queue
from preppath_workers.worker.processes.systemd import Notifier, Phase
from tests.support.waiting import eventually

from .conftest import Start


class Listener:
    """systemd's end of the socket: the lines of every message since the start."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)
        self._messages: list[list[str]] = []

    @property
    def messages(self) -> list[list[str]]:
        try:
            while True:
                self._messages.append(self._socket.recv(65_536).decode().split("\n"))
        except BlockingIOError:
            return self._messages

    @property
    def phases(self) -> list[str]:
        words = ("READY=1", "RELOADING=1", "STOPPING=1")
        return [line for message in self.messages for line in message if line in words]

    @property
    def status(self) -> str:
        lines = [line for message in self.messages for line in message if line.startswith("STATUS=")]
        return lines[-1].removeprefix("STATUS=") if lines else ""

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """A listener with an abstract name."""
    with closing(Listener(f"@preppath-{os.getpid()}-{tmp_path.name[-20:]}")) as listener:
        yield listener


def test_notifications_of_a_supervisor_follow_its_start_reload_and_stop(
    launch: Start, listener: Listener, alpha: Queue
) -> None:
    app = launch(NOTIFY_SOCKET=listener.address).start()
    eventually(lambda: listener.phases == ["READY=1"])
    assert listener.status == "3 of 3 workers, 0 busy"
    alpha.enqueue({"do": "sleep", "seconds": 2}, id="j")
    eventually(lambda: listener.status == "3 of 3 workers, 1 busy")

    app.send(signal.SIGHUP)
    eventually(lambda: listener.phases == ["READY=1", "RELOADING=1", "READY=1"])
    (reloading,) = (message for message in listener.messages if "RELOADING=1" in message)
    assert any(line.startswith("MONOTONIC_USEC=") for line in reloading)
    app.stop()

    assert listener.phases == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]


def test_supervisor_with_every_worker_started_reports_ready(launch: Start, listener: Listener) -> None:
    app = launch(NOTIFY_SOCKET=listener.address, ALPHA_CONCURRENCY="7").start()
    eventually(lambda: listener.phases == ["READY=1"])
    assert len(app.workers()) == 8


def test_supervisor_without_redis_extends_its_start_timeout(launch: Start, listener: Listener) -> None:
    """The status gives the reason: a restart would not bring Redis back."""
    launch(NOTIFY_SOCKET=listener.address, REDIS_URL="redis://127.0.0.1:9").launch()
    eventually(lambda: "the janitor has not reached Redis yet" in listener.status)
    eventually(lambda: "EXTEND_TIMEOUT_USEC=30000000" in listener.messages[-1])
    assert listener.phases == []


def test_supervisor_with_live_workers_feeds_the_watchdog(launch: Start, listener: Listener) -> None:
    launch(NOTIFY_SOCKET=listener.address, WATCHDOG_USEC="400000").start()
    eventually(lambda: sum("WATCHDOG=1" in message for message in listener.messages) > 3)


def test_supervisor_whose_workers_die_at_their_start_does_not_feed_the_watchdog(
    launch: Start, listener: Listener, alpha: Queue
) -> None:
    """Whether a respawned worker survives is unknown until it has run for a while."""
    app = launch(NOTIFY_SOCKET=listener.address, WATCHDOG_USEC="400000", ALPHA_CONCURRENCY="1").start()
    first = app.workers()
    for pid in first.values():
        os.kill(pid, signal.SIGKILL)
    died_at = time.monotonic()
    eventually(lambda: len({*app.workers().values()} - {*first.values()}) == 2)
    count = len(listener.messages)

    alpha.enqueue({"do": "sleep", "seconds": 9}, id="j")
    eventually(lambda: listener.status == "2 of 2 workers, 1 busy")

    fed = any("WATCHDOG=1" in message for message in listener.messages[count:])
    assert not fed or time.monotonic() - died_at >= 10  # they have lived long enough, on a slow machine


@pytest.mark.parametrize(
    ("variables", "listens"),
    [
        ({}, False),
        ({"NOTIFY_SOCKET": ""}, False),
        ({"NOTIFY_SOCKET": "vsock:2:1"}, False),
        ({"NOTIFY_SOCKET": "{}", "WATCHDOG_USEC": "nonsense"}, True),
        ({"NOTIFY_SOCKET": "{}", "WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}, True),
    ],
)
def test_notifier_from_variables_sends_only_to_a_local_address(
    listener: Listener, variables: dict[str, str], listens: bool
) -> None:
    environment = {name: value.replace("{}", listener.address) for name, value in variables.items()}

    Notifier.from_environment(environment).report(Phase.READY, "well", good_for=1)

    assert environment == {}
    assert listener.messages == ([["READY=1", "WATCHDOG=1", "STATUS=well"]] if listens else [])


def test_notifier_with_a_path_sends_to_it() -> None:
    folder = tempfile.TemporaryDirectory(dir="/tmp")  # a socket's path has at most 108 bytes
    with folder as name, closing(Listener(f"{name}/socket")) as listener:
        Notifier(listener.address).report(Phase.READY, "well", good_for=1)
        assert listener.phases == ["READY=1"]


def test_notifier_with_good_for_zero_does_not_feed_the_watchdog(listener: Listener) -> None:
    Notifier(listener.address, watchdog=1).report(Phase.READY, "0 of 3 workers, 0 busy", good_for=0)
    assert listener.messages == [["READY=1", "STATUS=0 of 3 workers, 0 busy"]]


@pytest.mark.parametrize("kind", ["an abstract name", "a path"])
def test_notifier_after_a_failed_send_sends_the_phase_again(tmp_path: Path, kind: str) -> None:
    """The system refuses the one, and does not find the other."""
    address = f"@preppath-late-{os.getpid()}" if kind == "an abstract name" else str(tmp_path / "notify")
    notifier = Notifier(address)
    notifier.report(Phase.READY, "well", good_for=1)  # before anything listens
    listener = Listener(address)
    notifier.report(Phase.READY, "well", good_for=1)
    assert listener.phases == ["READY=1"]
    listener.close()
