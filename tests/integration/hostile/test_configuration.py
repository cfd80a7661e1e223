"""Hostile variables: a working configuration, or one problem for each, without its value."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preppath_workers.clients.openai.client import SpeechOptions
from preppath_workers.clients.postgres.client import Database
from preppath_workers.clients.services import Services
from preppath_workers.config.load import load, load_redis, read_environment
from preppath_workers.errors import ConfigError, JobError
from preppath_workers.jobs import JOB_TYPES
from preppath_workers.store.connections import connection
from preppath_workers.store.consuming.consumer_connection import Connection

from .strategies import ANY_TEXT

DEFAULTS = [job_type.defaults for job_type in JOB_TYPES]
REQUIRED = {
    "OPENAI_API_KEY": "sk-key",
    "S3_BUCKET": "bucket",
    "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/preppath",
}
#: Every variable; of `<QUEUE>_…` only those of tts.
NAMES = [
    "REDIS_URL",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_PASSWORD",
    "KEY_PREFIX",
    "DATABASE_URL",
    "WEBHOOK_URL",
    "WEBHOOK_SECRET",
    "OPENAI_API_KEY",
    "OPENAI_ORG_ID",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
    "OPENAI_TTS_MODEL",
    "OPENAI_TTS_VOICE",
    "OPENAI_TTS_API_KEY",
    "OPENAI_TTS_BASE_URL",
    "OPENAI_EVALUATION_FORMAT",
    "OPENAI_EVALUATION_TEMPERATURE",
    "OPENAI_EVALUATION_MAX_TOKENS",
    "S3_BUCKET",
    "S3_ENDPOINT",
    "S3_REGION",
    "S3_ACCESS_KEY_ID",
    "S3_SECRET_ACCESS_KEY",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "LOG_JOB_DATA",
    "LEASE_SECONDS",
    "PROBE_SECONDS",
    "SHUTDOWN_GRACE",
    "MAX_MEMORY_MB",
    "MAX_JOBS_PER_CHILD",
    "KEEP_COMPLETED_SECONDS",
    "KEEP_COMPLETED_COUNT",
    "QUEUES",
    "TTS_CONCURRENCY",
    "TTS_RATE_LIMIT",
    "TTS_RETRIES",
    "TTS_BACKOFF",
    "TTS_TIMEOUT",
    "TTS_RECOVERIES",
]

USERS = st.sampled_from(["", "u@", "u:p@", ":@", "u:p%zz@", "u:%00@"])
HOSTS = st.sampled_from(
    ["127.0.0.1:1", "[::1]:1", "h", "a..b", "a_b", "-a-", "xn--a", "ä", "%2Ftmp", "a" * 64, ""]
)
PLACES = st.sampled_from(
    ["", "/", "/0", "/x", "?a=b", "?db=1", "?password=x", "?socket_timeout=1", "#x", "?schema=a"]
)


def like_urls(*schemes: str) -> st.SearchStrategy[str]:
    """Text that resembles a URL."""
    noise = st.text(max_size=6)
    parts = st.tuples(st.sampled_from(schemes), USERS | noise, HOSTS | noise, PLACES | noise)
    return parts.map(lambda drawn: f"{drawn[0]}://{drawn[1]}{drawn[2]}{drawn[3]}")


NUMBERS = st.sampled_from(
    ["0", "1", "-1", "1e3", "nan", "inf", "9" * 5_000, "1_0", "١", "0x1", "1/1", "1e9/1e9"]
)
VALUES = like_urls("redis", "rediss", "unix", "postgresql", "http", "https", "ftp") | NUMBERS | ANY_TEXT


@pytest.fixture(autouse=True)
def no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    """No DNS: only 127.0.0.1 and ::1 resolve."""
    resolve = socket.getaddrinfo

    def local(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in ("127.0.0.1", "::1"):
            host.encode("idna") if isinstance(host, str) else None  # raises what the real one raises
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", local)


def problems(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the problems of these variables; none if they work."""
    try:
        Database(load(variables, DEFAULTS).database_url)
    except ConfigError as error:
        return error.problems
    return ()


@given(given=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8))
def test_config_with_hostile_values_names_each_problem_once_without_the_value(given: dict[str, str]) -> None:
    variables = {**REQUIRED, **given}
    found = problems(variables)
    names = [problem.split()[0] for problem in found]
    assert len(names) == len({*names})
    assert {*names} <= {*variables, "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"}
    for name, problem in zip(names, found, strict=True):
        value = variables.get(name, "")
        another = "\0" if value and is_utf8(value.encode("utf-8", "surrogatepass")) else value and "\udcff"
        assert problem in problems({**variables, name: another}), "the same for any other wrong value"


@given(url=like_urls("redis", "rediss", "unix"))
def test_redis_url_that_is_accepted_keeps_our_timeouts(url: str) -> None:
    try:
        redis = load_redis({"REDIS_URL": url})
    except ConfigError:
        return
    assert Connection(redis.url, timeout=7)
    assert connection.client(redis.url, timeout=3)


@given(
    url=like_urls("http", "https"),
    key=st.just("sk-key") | ANY_TEXT,
    region=st.sampled_from(["", "a_b", "eu-1", "-", "1"]),
)
def test_service_url_that_is_accepted_but_unreachable_raises_job_errors(
    url: str, key: str, region: str
) -> None:
    """No server listens at these URLs: an error of the job, not an unexpected exception."""
    urls = dict.fromkeys(("OPENAI_BASE_URL", "S3_ENDPOINT", "WEBHOOK_URL"), url)
    keys = {"OPENAI_API_KEY": key, "OPENAI_ORG_ID": key, "S3_ACCESS_KEY_ID": key, "S3_SECRET_ACCESS_KEY": key}
    try:
        config = load({**REQUIRED, **urls, "S3_REGION": region, "WEBHOOK_SECRET": "x" * 16, **keys}, DEFAULTS)
    except ConfigError:
        return
    with closing(Services(config)) as services:
        for call in (
            lambda: services.openai.synthesize("Why?", SpeechOptions("alloy")),
            lambda: services.openai.reader(SpeechOptions("alloy")).read("Why?"),
            lambda: services.openai.transcribe(io.BytesIO(b"x"), "a.wav", "audio/wav"),
            lambda: services.storage.find("key"),
            lambda: services.webhook.deliver("id", b"{}"),
        ):
            with pytest.raises(JobError):
                call()


LINES = st.sampled_from(
    ["A=1", "export B = 2", "C='x", 'D="a\\nb"', "=", "#", "E=${A}", "\r", "F", "G=\0", "H=\ud7ff"]
)
FILES = (
    st.binary(max_size=200)
    | ANY_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.lists(LINES, max_size=8).map(lambda lines: "\n".join(lines).encode())
)


_WRONG_LINE = r".*, line \d+ is wrong: expected NAME=value, with matching quotes or none"


@given(content=FILES)
def test_config_file_with_hostile_content_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.env"
    path.write_bytes(content)
    try:
        assert all(isinstance(value, str) and value for value in read_environment(path).values())
        problems: tuple[str, ...] = ()
    except ConfigError as error:
        problems = error.problems
    if is_utf8(content) and b"\0" not in content:
        assert all(re.fullmatch(_WRONG_LINE, problem) for problem in problems)
    else:
        [problem] = problems
        assert re.fullmatch("cannot read .*: (not UTF-8 text|it contains a NUL character)", problem)


def is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
