"""Log output to pipes, sockets and files, including readers that stop reading."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preppath_workers import log
from preppath_workers.config.model import LogConfig
from preppath_workers.log import fields, setup
from preppath_workers.log.output import FileOutput

pytestmark = pytest.mark.usefixtures("restored_logging")
logger = logging.getLogger("preppath_workers.test")

DROPPED = "Log lines dropped: they could not be written"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The reading and the writing end of a pipe."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def configured(descriptor: int, **values: Any) -> None:
    with open(descriptor, "w", encoding="utf-8", closefd=False) as stream:
        log.configure(LogConfig(format="json", **values), secrets=("hunter2",), stream=stream)


def everything(descriptor: int) -> list[dict[str, Any]]:
    """Return the lines that are ready to be read."""
    found = b""
    while select.select([descriptor], [], [], 0)[0]:
        found += os.read(descriptor, 65_536)
    return [json.loads(line) for line in found.splitlines()]


def test_line_for_a_pipe_fits_into_one_atomic_write(pipe: tuple[int, int]) -> None:
    configured(pipe[1])
    logger.info("long", extra=fields(data={"text": "é" * 9_500}, jobId="j"))
    raw = os.read(pipe[0], 65_536)
    assert len(raw) <= select.PIPE_BUF
    line = json.loads(raw)
    assert (line["message"], line["jobId"], line["truncated"]) == ("long", "j", True)
    assert line["data"].startswith('{"text": "é')


def test_long_lines_of_several_processes_on_one_pipe_do_not_mix(pipe: tuple[int, int]) -> None:
    configured(pipe[1])
    pids = []
    for number in range(5):
        if not (pid := os.fork()):
            for _ in range(100):
                logger.info("x", extra=fields(number=number, text=chr(97 + number) * 9_500))
            os._exit(0)
        pids.append(pid)
    found = []
    while pids:
        select.select([pipe[0]], [], [], 0.01)
        found += everything(pipe[0])
        pids = [pid for pid in pids if not os.waitpid(pid, os.WNOHANG)[0]]
    found += everything(pipe[0])
    written = [
        line for line in found if line["message"] == "x"
    ]  # the others: lines that a busy reader missed
    assert len(written) >= 16, "a pipe holds 16 of them"
    for line in written:
        assert {*line["text"]} - {" ", "…"} == {chr(97 + line["number"])}


def test_stuck_reader_blocks_no_logger_and_gets_the_number_of_dropped_lines(pipe: tuple[int, int]) -> None:
    configured(pipe[1])
    for number in range(1_000):
        logger.info("line", extra=fields(number=number, text="x" * 1_000))
    found = everything(pipe[0])
    logger.info("again")
    found += everything(pipe[0])
    assert [line["message"] for line in found[-2:]] == [DROPPED, "again"]
    written = [line for line in found if line["message"] == "line"]
    assert len(written) + sum(line.get("dropped", 0) for line in found) == 1_000
    assert len(written) > 30


def test_stuck_reader_of_a_pipe_that_cannot_be_reopened_blocks_no_logger(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a pipe of another user."""
    monkeypatch.setattr("preppath_workers.log.output._reopened", lambda _: None)
    test_stuck_reader_blocks_no_logger_and_gets_the_number_of_dropped_lines(pipe)


def test_shared_pipe_stays_in_blocking_mode(pipe: tuple[int, int]) -> None:
    configured(pipe[1])
    logger.info("x")
    assert os.get_blocking(pipe[1])


def test_slow_reader_gets_every_line(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine, the reader may come too late for the usual patience.
    monkeypatch.setattr(setup, "_PATIENCE", 30.0)
    configured(pipe[1])
    found: list[bytes] = []

    def read() -> None:
        while b"last" not in b"".join(found[-2:]):
            found.append(os.read(pipe[0], 65_536))
            threading.Event().wait(0.02)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(500):
        logger.info("line", extra=fields(number=number, text="x" * 1_000))
    logger.info("last")
    reader.join()
    assert [json.loads(line).get("number") for line in b"".join(found).splitlines()] == [*range(500), None]


def test_closed_reader_causes_no_error(pipe: tuple[int, int]) -> None:
    reading, writing = os.pipe()
    configured(writing)
    os.close(reading)
    logger.info("x")
    os.close(writing)


def test_stuck_reader_of_a_socket_gets_whole_lines() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        configured(ours.fileno())
        for number in range(100):
            logger.info("line", extra=fields(number=number, text="x" * 100_000))
        before = everything(theirs.fileno())
        logger.info("again")
        dropped, again = everything(theirs.fileno())
    assert all(line["truncated"] for line in before)
    assert (dropped["dropped"], again["message"]) == (100 - len(before), "again")


def test_full_disk_causes_no_error_and_the_next_line_is_separate(
    tmp_path: Path,
) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "log"
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with path.open("wb") as file:
        output = FileOutput(file.fileno())
        resource.setrlimit(resource.RLIMIT_FSIZE, (15, limits[1]))
        try:
            assert [output.write(b"123456789\n", 0) for _ in range(3)] == [True, False, False]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert output.write(b"again\n", 0)
    assert path.read_bytes() == b"123456789\n12345\nagain\n"


PROGRAM = """
import logging, os, subprocess, sys, threading, warnings
from preppath_workers import log
from preppath_workers.config.model import LogConfig
log.configure(LogConfig(format="json"), secrets=("hunter2",))
log.capture_output()
print("printed hunter2")
print("begun", end=" "); print("and ended")
sys.stdout.buffer.write(b"bytes\\n"); sys.stdout.flush()
warnings.warn("warned hunter2")
added = logging.StreamHandler()
logging.getLogger().addHandler(added)
logging.getLogger("x").warning("twice")
logging.getLogger().removeHandler(added)
subprocess.run([sys.executable, "-c", "pass"], stdout=sys.stdout, stderr=sys.stderr, check=True)

class Odd:
    def __del__(self):
        raise ValueError("finalised hunter2")

def fail():
    raise ValueError("thread hunter2")

Odd()
thread = threading.Thread(target=fail); thread.start(); thread.join()
raise KeyError("unhandled hunter2")
"""


def test_capture_output_turns_standard_streams_into_redacted_log_lines(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "hunter2" not in done.stderr
    found = [json.loads(line) for line in done.stderr.splitlines()]
    by_message = {line["message"]: line for line in found}
    assert by_message["printed ***"].items() >= {"logger": "stdout", "level": "info"}.items()
    assert {"begun and ended", "bytes"} <= by_message.keys()
    assert any("UserWarning: warned ***" in message for message in by_message)
    # Once by our handler and once by the added one, whose stream is redirected into the log.
    assert [line["message"] for line in found].count("twice") == 2
    assert "ValueError: thread ***" in by_message["Unhandled exception in thread"]["traceback"]
    # What Python says of it depends on its version.
    assert any("ValueError: finalised ***" in line.get("traceback", "") for line in found)
    assert by_message["Unhandled exception"]["level"] == "critical"
    assert "KeyError: 'unhandled ***'" in by_message["Unhandled exception"]["traceback"]


def test_log_without_standard_error_writes_to_no_other_file(tmp_path: Path) -> None:
    program = """
import logging, os, sys
from preppath_workers import log
from preppath_workers.config.model import LogConfig
os.close(2)
sys.stderr = sys.__stderr__ = None
file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
assert file == 2
log.configure(LogConfig(format="json"))
logging.getLogger("x").warning("lost")
"""
    path = tmp_path / "other"
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    assert path.read_bytes() == b""
