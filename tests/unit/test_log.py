"""Log lines: JSON or text, with the job's context, without secrets."""

from __future__ import annotations

import json
import logging
import os
from io import StringIO
from typing import Any

import pytest

from preppath_workers import log
from preppath_workers.config.model import LogConfig
from preppath_workers.log import LogContext, fields, redact, shortening

pytestmark = pytest.mark.usefixtures("restored_logging")
logger = logging.getLogger("preppath_workers.test")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def configured(
    form: str = "json", level: str = "info", secrets: tuple[str, ...] = (), terminal: bool = False
) -> StringIO:
    stream = Terminal() if terminal else StringIO()
    log.configure(LogConfig(level=level, format=form), secrets, stream)
    return stream


def lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_line_is_one_object_with_its_fields() -> None:
    stream = configured()

    logger.info("Job %s", "started", extra=fields(waitMs=12, data={"text": "é\nü"}))

    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info", "message": "Job started", "logger": "preppath_workers.test", "pid": os.getpid(),
        "waitMs": 12, "data": {"text": "é\nü"},
    }  # fmt: skip
    assert "é" in stream.getvalue()


def test_json_line_shows_unknown_types_as_text() -> None:
    stream = configured()
    logger.info("x", extra=fields(error=ValueError("why")))
    assert lines(stream)[0]["error"] == "why"


def test_log_context_is_in_every_line_of_every_logger() -> None:
    stream = configured()

    with LogContext(lambda: {"queue": "tts", "jobId": "a", "attempt": 2}):
        logging.getLogger("vendor").warning("slow", extra=fields(attempt=3))
        with LogContext(lambda: {"queue": "other"}):
            logger.info("inner")
        logger.info("outer again")
    logger.info("after")

    first, inner, outer, after = lines(stream)
    assert (first["queue"], first["jobId"], first["attempt"]) == ("tts", "a", 3)
    assert (inner["queue"], outer["queue"]) == ("other", "tts")
    assert "queue" not in after


def test_log_context_ends_with_an_exception() -> None:
    stream = configured()
    with pytest.raises(ValueError, match="x"), LogContext(lambda: {"jobId": "a"}):
        raise ValueError("x")
    logger.info("after")
    assert "jobId" not in lines(stream)[0]


def test_json_line_contains_its_traceback() -> None:
    stream = configured()
    try:
        raise ValueError("why")
    except ValueError:
        logger.exception("It broke")

    (line,) = lines(stream)
    assert line["level"] == "error"
    assert line["traceback"].endswith("ValueError: why")


def test_text_line_ends_with_its_fields() -> None:
    stream = configured("text")

    logger.warning("Job failed", extra=fields(jobId="a", error="two words", retryInMs=1_000))

    assert stream.getvalue().endswith(' WARNING Job failed  jobId=a error="two words" retryInMs=1000\n')
    assert "\x1b" not in stream.getvalue()


def test_text_line_is_followed_by_its_traceback() -> None:
    stream = configured("text")
    try:
        raise ValueError("why")
    except ValueError:
        logger.exception("It broke")
    assert stream.getvalue().splitlines()[1] == "Traceback (most recent call last):"


@pytest.mark.parametrize(
    ("form", "terminal", "starts_with", "colour"),
    [
        ("auto", True, "\x1b", True),
        ("auto", False, "{", False),
        ("json", True, "{", False),
        ("text", True, "\x1b", True),
        ("text", False, "", False),
    ],
)
def test_format_auto_is_coloured_text_on_a_terminal_and_json_elsewhere(
    form: str, terminal: bool, starts_with: str, colour: bool
) -> None:
    stream = configured(form, terminal=terminal)
    logger.info("x")
    assert stream.getvalue().startswith(starts_with)
    assert ("\x1b" in stream.getvalue()) is colour


def test_level_hides_lower_levels_and_libraries_log_warnings_only() -> None:
    stream = configured(level="warning")
    logger.info("no")
    logger.warning("yes")
    assert [line["message"] for line in lines(stream)] == ["yes"]

    stream = configured(level="debug")
    logging.getLogger("httpx").info("no")
    logging.getLogger("httpx").warning("yes")
    logger.debug("yes too")
    logging.getLogger("websockets.client").error("no: it is raised too")
    assert [line["message"] for line in lines(stream)] == ["yes", "yes too"]


def test_redact_replaces_every_occurrence() -> None:
    assert redact("a key, the key", ["key"]) == "a ***, the ***"
    assert redact("nothing", []) == "nothing"


SECRETS = ("sk-plain", 'quo"te', "back\\slash", "umläut", 'umläut"quote', "new\nline", "sk-plain-and-more")


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("place", ["message", "field", "nested", "error", "traceback", "context"])
def test_log_line_with_a_secret_anywhere_is_redacted(form: str, place: str) -> None:
    for secret in SECRETS:
        stream = configured(form, secrets=SECRETS)
        log_secret(secret, place)

        written = stream.getvalue()
        read = written if form == "text" else json.dumps(lines(stream), ensure_ascii=False)
        spellings = (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
        assert not [spelling for spelling in spellings if spelling in written or spelling in read]
        assert "***" in written
        assert "-and-more" not in written


def log_secret(secret: str, place: str) -> None:
    match place:
        case "message":
            logger.info("it is %s", secret)
        case "field":
            logger.info("x", extra=fields(value=f"it is {secret}"))
        case "nested":
            logger.info("x", extra=fields(data={"list": [secret, 1]}))
        case "error":
            logger.info("x", extra=fields(error=ValueError(secret)))
        case "traceback":
            try:
                raise ValueError(secret)
            except ValueError:
                logger.exception("x")
        case "context":
            with LogContext(lambda: {"data": secret}):
                logger.info("x")


@pytest.mark.parametrize("form", ["json", "text"])
def test_secret_that_equals_a_field_name_leaves_field_names_intact(form: str) -> None:
    stream = configured(form, secrets=("error", "logger", "ERROR", "preppath_workers"))
    logger.error("an error", extra=fields(error="error", logger_error=1))
    (written,) = stream.getvalue().splitlines()
    if form == "text":
        assert written.endswith(" ERROR   an ***  error=*** logger_error=1")
        return
    line = json.loads(written)
    assert (line["level"], line["logger"]) == ("error", "preppath_workers.test")
    assert (line["message"], line["error"], line["logger_error"]) == ("an ***", "***", 1)


def test_log_line_that_cannot_be_formatted_is_logged_without_its_arguments(
    capfd: pytest.CaptureFixture[str],
) -> None:
    stream = configured(secrets=("hunter2",))
    logger.info("%d jobs", "hunter2")
    (line,) = lines(stream)
    assert line["message"] == "Cannot format log line"
    assert (line["logger"], line["error"]) == ("preppath_workers.test", "TypeError")
    assert capfd.readouterr() == ("", "")


def long_traceback() -> None:
    try:
        raise ValueError("é" * 300_000)
    except ValueError:
        logger.exception("It broke", extra=fields(jobId="j"))


@pytest.mark.parametrize("form", ["json", "text"])
def test_log_line_that_is_too_long_is_truncated(form: str) -> None:
    stream = configured(form)
    long_traceback()
    logger.info("x", extra=fields(**{f"name{number}": "y" * 250 for number in range(200)}))
    logger.info("x", extra=fields(data={"list": ["\0" * 100] * 1_000}))
    written = stream.getvalue()
    if form == "text":
        assert written.count("Traceback") == 1
        assert len(written.encode()) <= 3 * 32 * 1024
        return
    traceback, many, data = lines(stream)
    assert max(len(line.encode()) for line in written.splitlines()) < 32 * 1024
    assert traceback["traceback"].startswith("Traceback (most recent call last):")
    assert traceback["traceback"].endswith("ééé")
    assert (traceback["message"], traceback["jobId"], traceback["truncated"]) == ("It broke", "j", True)
    assert many["truncated"]
    assert data["data"].startswith('{"list": [')


def test_log_line_with_many_fields_is_shortened_in_a_few_looks_at_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[Any] = []
    to_json = shortening.to_json
    monkeypatch.setattr(shortening, "to_json", lambda value: looks.append(value) or to_json(value))
    line = {f"field{number}": "x" * 150 for number in range(1_000)}

    assert json.loads(shortening.json_within({**line, "message": "m"}, 4_096, ()))["truncated"]
    assert len(looks) < 10 * len(line)


def test_log_line_truncated_inside_a_secret_shows_no_part_of_it() -> None:
    stream = configured(secrets=("0123456789",))
    for length in range(12):
        logger.info("x", extra=fields(text="0123456789" * 5_000 + "x" * length + "0123456789" * 5_000))
    # The time and the pid are numbers that may look like a part of it.
    written = [{name: line[name] for name in line.keys() - {"time", "pid"}} for line in lines(stream)]
    assert len(written) == 12
    assert not any(part in str(written) for part in ("456", "012", "789"))


def test_log_line_with_values_too_deep_for_json_is_written_without_them() -> None:
    stream = configured()
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    logger.info("x", extra=fields(data=deep, jobId="j"))
    (line,) = lines(stream)
    assert (line["message"], line["jobId"]) == ("x", "j")
