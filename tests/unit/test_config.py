"""The configuration: its variables, its defaults, and its errors."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from preppath_workers.config.load import load, load_database_url, load_queues, load_redis
from preppath_workers.config.model import Config, QueueConfig, RateLimit
from preppath_workers.config.names import variables_read
from preppath_workers.config.spelling import most_alike
from preppath_workers.errors import ConfigError
from preppath_workers.jobs import JOB_TYPES
from tests.support.minimal_env import MINIMAL_ENV

DEFAULTS = [job_type.defaults for job_type in JOB_TYPES]

REQUIRED = {
    "OPENAI_API_KEY": "sk-secret-key",
    "S3_BUCKET": "preppath-audio",
    "DATABASE_URL": "postgresql://postgres:data-secret@localhost:5432/preppath",
}


def config(only: tuple[str, ...] = (), **variables: str) -> Config:
    return load({**REQUIRED, **variables}, DEFAULTS, only)


def problems(**variables: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        config(**variables)
    return raised.value.problems


def test_config_with_required_variables_only_has_the_documented_defaults() -> None:
    read = config()

    assert (read.redis.url, read.redis.prefix) == ("redis://localhost:6379", "preppath")
    assert (read.storage.region, read.storage.endpoint, read.storage.access_key_id) == (
        "us-east-1",
        None,
        None,
    )
    assert (read.openai.organization, read.openai.speech_voice) == (None, "alloy")
    assert {name: (used.model, used.api_key, used.base_url) for name, used in read.openai.models.items()} == {
        "transcription": ("gpt-transcribe", "sk-secret-key", None),
        "tts": ("gpt-realtime-2.1-mini", "sk-secret-key", None),
        "evaluation": ("gpt-6-luna", "sk-secret-key", None),
    }
    assert (read.lease, read.shutdown_grace, read.max_memory_mb, read.max_jobs_per_child) == (15, 30, 500, 0)
    assert read.immortal_objects
    assert (read.keep_completed_seconds, read.keep_completed_count) == (86_400, 30_000)
    assert asdict(read.log) == {"level": "info", "format": "auto", "job_data": True}


@pytest.mark.parametrize(
    ("name", "concurrency", "limit", "retries"),
    [("transcription", 2, "5/60", 3), ("tts", 3, "10/60", 3), ("evaluation", 5, "20/60", 2)],
)
def test_queue_config_has_the_documented_defaults(
    name: str, concurrency: int, limit: str, retries: int
) -> None:
    (queue,) = [queue for queue in config().queues if queue.name == name]
    assert (queue.concurrency, str(queue.rate_limit), queue.retries, queue.backoff) == (
        concurrency,
        limit,
        retries,
        1,
    )


def test_config_reads_every_variable() -> None:
    read = config(
        REDIS_URL="rediss://:r@cache:7000/1", KEY_PREFIX="p:1", OPENAI_ORG_ID="org", OPENAI_BASE_URL="http://o/v1",
        OPENAI_MODEL="m1", OPENAI_WHISPER_MODEL="m2", OPENAI_TTS_MODEL="m3", OPENAI_TTS_VOICE="echo",
        S3_ENDPOINT="http://minio:9000", S3_REGION="eu-1", S3_ACCESS_KEY_ID="id", S3_SECRET_ACCESS_KEY="key",
        LOG_LEVEL="DEBUG", LOG_FORMAT="Json", LOG_JOB_DATA="off", LEASE_SECONDS="20", SHUTDOWN_GRACE="0",
        MAX_MEMORY_MB="0", MAX_JOBS_PER_CHILD="9", IMMORTAL_OBJECTS="off",
        KEEP_COMPLETED_SECONDS="60", KEEP_COMPLETED_COUNT="0",
        TTS_CONCURRENCY="7", TTS_RATE_LIMIT="2/0.5", TTS_RETRIES="0", TTS_BACKOFF="0.5", TTS_TIMEOUT="9",
        TTS_RECOVERIES="0", QUEUES=" tts , tts",
    )  # fmt: skip

    assert (read.redis.url, read.redis.prefix) == ("rediss://:r@cache:7000/1", "p:1")
    used = read.openai.models
    assert {name: (part.model, part.base_url) for name, part in used.items()} == {
        "transcription": ("m2", "http://o/v1"), "tts": ("m3", "http://o/v1"), "evaluation": ("m1", "http://o/v1"),
    }  # fmt: skip
    assert (read.openai.organization, read.openai.speech_voice) == ("org", "echo")
    assert asdict(read.storage) == {
        "bucket": "preppath-audio", "endpoint": "http://minio:9000", "region": "eu-1",
        "access_key_id": "id", "secret_access_key": "key",
    }  # fmt: skip
    assert asdict(read.log) == {"level": "debug", "format": "json", "job_data": False}
    assert (read.lease, read.shutdown_grace, read.max_memory_mb, read.max_jobs_per_child) == (20, 0, 0, 9)
    assert not read.immortal_objects
    assert (read.keep_completed_seconds, read.keep_completed_count) == (60, 0)
    assert read.queues == (
        QueueConfig("tts", 7, RateLimit(2, 0.5), retries=0, backoff=0.5, timeout=9, recoveries=0,
                    services=("openai", "storage", "database")),
    )  # fmt: skip


def test_redis_url_takes_precedence_over_host_and_port() -> None:
    parts = {"REDIS_HOST": "cache", "REDIS_PORT": "7000", "REDIS_PASSWORD": "p@ss/word"}
    assert load_redis(parts).url == "redis://:p%40ss%2Fword@cache:7000"
    from_kubernetes = {"REDIS_PORT": "tcp://10.96.0.7:6379"}  # in every container, for a Service named redis
    for others in (parts, from_kubernetes):
        assert load_redis({**others, "REDIS_URL": "unix:///run/redis.sock"}).url == "unix:///run/redis.sock"
    assert load_redis({"REDIS_URL": ""}).url == "redis://localhost:6379"


def test_queues_come_from_the_command_then_the_variable_then_all() -> None:
    names = [queue.name for queue in config(only=("evaluation",), QUEUES="tts").queues]
    assert names == ["evaluation"]
    assert [queue.name for queue in config(QUEUES="tts,transcription").queues] == ["tts", "transcription"]
    assert [queue.name for queue in config(QUEUES=" ").queues] == ["transcription", "tts", "evaluation"]


def test_queue_that_needs_a_variable_is_processed_if_it_is_set_or_named() -> None:
    others, url = ["transcription", "tts", "evaluation"], "https://api.example/jobs"
    assert [queue.name for queue in config(WEBHOOK_URL=" ").queues] == others
    assert [queue.name for queue in config(WEBHOOK_URL=url).queues] == [*others, "webhook"]
    assert [queue.name for queue in load_queues({"WEBHOOK_URL": url}, DEFAULTS)] == [*others, "webhook"]
    assert [queue.name for queue in config(WEBHOOK_URL=url, QUEUES="tts").queues] == ["tts"]
    assert [queue.name for queue in config(QUEUES="webhook").queues] == ["webhook"]
    assert [queue.name for queue in config(only=("webhook",)).queues] == ["webhook"]


def test_webhook_requires_an_http_url_and_a_long_secret() -> None:
    assert (config().webhook.url, config().webhook.secret) == (None, None)
    read = config(WEBHOOK_URL="http://api/jobs", WEBHOOK_SECRET="0123456789abcdef").webhook
    assert (read.url, read.secret) == ("http://api/jobs", "0123456789abcdef")
    assert problems(WEBHOOK_URL="ftp://api/jobs", WEBHOOK_SECRET="0123456789abcde") == (
        "WEBHOOK_URL is wrong: expected a URL that starts with https:// or http://",
        "WEBHOOK_SECRET is wrong: expected 16 characters or more",
    )


def test_config_reports_every_problem_by_name_without_values() -> None:
    wrong = {
        "REDIS_URL": "http://wrong", "KEY_PREFIX": "with {braces}",
        "OPENAI_API_KEY": "", "OPENAI_BASE_URL": "wrong", "S3_BUCKET": "", "S3_ENDPOINT": "wrong",
        "S3_ACCESS_KEY_ID": "wrong-id", "DATABASE_URL": "mysql://wrong", "LOG_LEVEL": "wrong",
        "LOG_FORMAT": "wrong", "LOG_JOB_DATA": "wrong", "LEASE_SECONDS": "1", "SHUTDOWN_GRACE": "nan",
        "MAX_MEMORY_MB": "-1", "MAX_JOBS_PER_CHILD": "wrong", "KEEP_COMPLETED_SECONDS": "59",
        "KEEP_COMPLETED_COUNT": "1000001", "QUEUES": "tts,wrong", "TTS_CONCURRENCY": "0",
        "TTS_RATE_LIMIT": "wrong", "TTS_RETRIES": "31", "TTS_BACKOFF": "-1", "TTS_TIMEOUT": "0.5",
        "TTS_RECOVERIES": "-1",
    }  # fmt: skip
    expected = ({*wrong} - {"S3_ACCESS_KEY_ID"}) | {"S3_SECRET_ACCESS_KEY"}

    found = problems(**wrong)

    assert {problem.split()[0] for problem in found} == expected
    assert len(found) == len(expected)
    assert all(": expected " in problem for problem in found)
    assert not {"wrong-id", "http://wrong", "mysql://wrong", "{braces}"} & {*" ".join(found).split()}
    assert "OPENAI_API_KEY is not set: expected a key of the OpenAI API" in found
    assert "KEEP_COMPLETED_COUNT is wrong: expected a whole number from 0 to 1000000" in found
    assert "LEASE_SECONDS is wrong: expected a number of seconds, 2 or more and at most ten years" in found
    assert "TTS_RATE_LIMIT is wrong: expected starts per seconds, such as 10/60, or none" in found
    names = "transcription, tts, evaluation, webhook"
    assert f"QUEUES is wrong: expected names out of {names}, with commas between them" in found


def test_queues_with_commas_and_no_name_are_wrong() -> None:
    (problem,) = problems(QUEUES=" , ")
    assert problem.startswith("QUEUES is wrong: expected names out of transcription, tts, ")


def test_wrong_queues_hide_no_mistakes_in_the_settings_of_queues() -> None:
    found = problems(QUEUES="ttss", TTS_CONCURRENCY="many")
    assert [problem.split()[0] for problem in found] == ["QUEUES", "TTS_CONCURRENCY"]


@pytest.mark.parametrize("name", REQUIRED)
def test_required_variable_that_is_blank_is_missing(name: str) -> None:
    (problem,) = problems(**{name: "  "})
    assert problem.startswith(name)


@pytest.mark.parametrize("name", ["OPENAI_APIKEY", "OPENAI_API_KYE", "openai_api_key"])
def test_required_variable_that_is_missing_names_one_that_resembles_it(name: str) -> None:
    (problem,) = problems(**{"OPENAI_API_KEY": "", name: "sk-test"})
    assert problem == f"OPENAI_API_KEY is not set: expected a key of the OpenAI API; is {name} misspelt?"


def test_required_variable_that_is_missing_does_not_name_other_variables_of_the_workers() -> None:
    for name in REQUIRED:
        assert most_alike(name, variables_read(DEFAULTS) - {name}) is None


def test_s3_secret_without_a_key_id_is_refused() -> None:
    (problem,) = problems(S3_SECRET_ACCESS_KEY="the-secret")
    assert problem == "S3_ACCESS_KEY_ID is not set: expected the key id that goes with S3_SECRET_ACCESS_KEY"


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("10/60", RateLimit(10, 60)), (" 1 / 0.5 ", RateLimit(1, 0.5)),
        ("1000000/2678400", RateLimit(1_000_000, 2_678_400)), ("", RateLimit(10, 60)),
        ("none", None), ("None", None),
    ],
)  # fmt: skip
def test_rate_limit_is_starts_per_seconds(text: str, limit: RateLimit | None) -> None:
    (queue,) = config(("tts",), TTS_RATE_LIMIT=text).queues
    assert queue.rate_limit == limit


@pytest.mark.parametrize(
    "text",
    [
        "10",
        "10/",
        "/60",
        "0/60",
        "-1/60",
        "1.5/60",
        "10/0",
        "10/-1",
        "10/nan",
        "10/inf",
        "1/2/3",
        "10 per 60",
    ],
)
def test_rate_limit_that_is_invalid_is_refused(text: str) -> None:
    (problem,) = problems(TTS_RATE_LIMIT=text)
    assert problem.startswith("TTS_RATE_LIMIT is wrong")


def test_partial_loaders_read_only_what_they_need() -> None:
    assert load_redis({}).prefix == "preppath"
    assert load_database_url(REQUIRED) == REQUIRED["DATABASE_URL"]
    assert [queue.name for queue in load_queues({}, DEFAULTS)] == ["transcription", "tts", "evaluation"]
    for read in (load_database_url, lambda v: load_queues({**v, "TTS_RETRIES": "x"}, DEFAULTS)):
        with pytest.raises(ConfigError):
            read({})


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "OPENAI_MODEL", "OPENAI_TTS_VOICE", "OPENAI_BASE_URL", "S3_BUCKET",
     "S3_SECRET_ACCESS_KEY", "DATABASE_URL", "REDIS_URL", "REDIS_HOST", "KEY_PREFIX"],
)  # fmt: skip
def test_variable_with_quotes_around_its_value_is_refused(name: str) -> None:
    for quote in ("'", '"'):
        with pytest.raises(ConfigError, match=f"{name} is wrong: expected a value without {quote} around it"):
            load({**REQUIRED, name: f"{quote}value{quote}"}, [])


def test_password_with_quotes_around_it_is_accepted() -> None:
    assert "%22pass%22" in load({**REQUIRED, "REDIS_PASSWORD": '"pass"'}, []).redis.url


@pytest.mark.parametrize(
    ("value", "field"),
    [("", "userId"), ("teamId", "teamId"), ("none", ""), ("None", ""), (" userId ", "userId")],
)
def test_fair_by_names_the_field_that_identifies_a_user(value: str, field: str) -> None:
    defaults = [QueueConfig("evaluation", fair_by="userId")]
    (queue,) = load({**MINIMAL_ENV, "EVALUATION_FAIR_BY": value}, defaults).queues
    assert queue.fair_by == field
