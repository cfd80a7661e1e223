"""Log lines that a handler and the libraries it uses write with Python's `logging`."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Thread
from typing import Any

import pytest

from preppath_workers import log
from preppath_workers.config.model import LogConfig
from preppath_workers.log import LogContext

pytestmark = pytest.mark.usefixtures("restored_logging")
logger = logging.getLogger("app.jobs")


@pytest.fixture
def stream() -> StringIO:
    stream = StringIO()
    log.configure(LogConfig(level="info", format="json"), ("pass-word",), stream)
    return stream


def lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_line_of_a_thread_in_a_log_context_has_its_fields(stream: StringIO) -> None:
    with LogContext(lambda: {"jobId": "a"}):
        thread = Thread(target=logger.info, args=("thread",))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(logger.info, "pool")
    assert [line["jobId"] for line in lines(stream)] == ["a", "a"]


def test_log_context_that_ended_is_not_in_the_lines_of_threads(stream: StringIO) -> None:
    with LogContext(lambda: {"jobId": "a"}):
        pass
    thread = Thread(target=logger.info, args=("thread",))
    thread.start()
    thread.join()
    assert "jobId" not in lines(stream)[0]


def test_line_with_extra_has_its_fields_without_secrets(stream: StringIO) -> None:
    logger.info("Resized", extra={"orderId": "o1", "size": {"width": 3}, "key": "pass-word"})
    [line] = lines(stream)
    assert (line["orderId"], line["size"]) == ("o1", {"width": 3})
    assert "pass-word" not in stream.getvalue()


def test_line_with_extra_keeps_what_every_line_has(stream: StringIO) -> None:
    names = ("time", "level", "logger", "pid", "jobId", "traceback")
    with LogContext(lambda: {"jobId": "a"}):
        logger.info("Resized", extra=dict.fromkeys(names, "x"))
    [line] = lines(stream)
    assert (line["level"], line["logger"], line["jobId"]) == ("info", "app.jobs", "a")
    assert "x" not in (line["time"], line["pid"])


def test_line_with_extra_shows_its_fields_as_text() -> None:
    stream = StringIO()
    log.configure(LogConfig(level="info", format="text"), (), stream)
    logger.info("Resized", extra={"orderId": "o1"})
    assert stream.getvalue().endswith(" INFO    Resized  orderId=o1\n")
