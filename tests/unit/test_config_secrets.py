"""The configuration's secrets: shown nowhere, and known to those who keep them out of logs and errors."""

from __future__ import annotations

import pytest

from preppath_workers.config.load import load

SECRETS = {
    "S3_BUCKET": "preppath-audio",
    "OPENAI_API_KEY": "sk-secret-key",
    "S3_ACCESS_KEY_ID": "secret-id",
    "S3_SECRET_ACCESS_KEY": "secret/key+",
    "REDIS_URL": "redis://user:p%40ss-redis@cache",
    "DATABASE_URL": "postgresql://user:p%2Fss-data@db/preppath?sslmode=require&sslpassword=ssl%20secret",
    "WEBHOOK_URL": "https://user:secret-hook@api.example/jobs?token=secret",
    "WEBHOOK_SECRET": "secret-of-the-webhook",
}


def secrets(**variables: str) -> tuple[str, ...]:
    return load({"S3_BUCKET": "bucket", "OPENAI_API_KEY": "sk-key", **variables}, []).secrets()


def test_no_secret_shows_in_a_repr() -> None:
    shown = repr(load(SECRETS, []))
    for word in ("secret", "ss-redis", "ss-data"):
        assert word not in shown


def test_secrets_are_known_in_every_spelling() -> None:
    assert {*load(SECRETS, []).secrets()} == {
        "sk-secret-key", "secret-id", "secret/key+",
        "p%40ss-redis", "p@ss-redis", "p%2Fss-data", "p/ss-data", "ssl%20secret", "ssl secret",
        "secret-hook", "token=secret", "secret-of-the-webhook",
    }  # fmt: skip


def test_a_password_in_a_urls_parameters_is_a_secret_too() -> None:
    redis, database = (
        "redis://cache/0?username=u&password=in-redis",
        "postgresql://db/preppath?password=in-data",
    )
    assert {*secrets(REDIS_URL=redis, DATABASE_URL=database)} == {"sk-key", "in-redis", "in-data"}


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://user:pass%2Fword@api/jobs", {"pass%2Fword", "pass/word"}),
        ("https://token@api/jobs", {"token"}),
        ("https://api/jobs?token=a%20b&v=1", {"token=a%20b&v=1", "token=a b&v=1"}),
    ],
)
def test_a_webhooks_secret_and_what_its_url_holds_of_that_kind_are_secrets(
    url: str, secret: set[str]
) -> None:
    signed = {"WEBHOOK_URL": url, "WEBHOOK_SECRET": "0123456789abcdef"}
    found = secrets(DATABASE_URL="postgresql://db/preppath", **signed)
    assert {*found} == {"sk-key", "0123456789abcdef", *secret}


def test_no_secret_is_empty_which_would_be_found_everywhere() -> None:
    assert secrets(REDIS_URL="redis://:@cache", DATABASE_URL="postgresql://db/p?password=&a") == ("sk-key",)


def test_the_longest_secret_comes_first_for_one_may_be_a_part_of_another() -> None:
    redis, database = "redis://:abcdefgh@cache", "postgresql://u:bcde@db/p"
    found = secrets(OPENAI_API_KEY="abcde", REDIS_URL=redis, DATABASE_URL=database)
    assert found == ("abcdefgh", "abcde", "bcde")


def test_what_is_too_short_to_guard_anything_leaves_the_logs_legible() -> None:
    assert secrets(DATABASE_URL="postgresql://u:abc@db/p") == ("sk-key",)
