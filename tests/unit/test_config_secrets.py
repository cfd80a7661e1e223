"""Config.secrets(): what is redacted from logs and errors."""

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


def test_config_repr_shows_no_secret() -> None:
    shown = repr(load(SECRETS, []))
    for word in ("secret", "ss-redis", "ss-data"):
        assert word not in shown


def test_secrets_include_encoded_and_decoded_spellings() -> None:
    assert {*load(SECRETS, []).secrets()} == {
        "sk-secret-key", "secret-id", "secret/key+",
        "p%40ss-redis", "p@ss-redis", "p%2Fss-data", "p/ss-data", "ssl%20secret", "ssl secret",
        "secret-hook", "token=secret", "secret-of-the-webhook",
    }  # fmt: skip


def test_secrets_include_passwords_in_url_parameters() -> None:
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
def test_secrets_include_credentials_in_the_webhook_url(url: str, secret: set[str]) -> None:
    signed = {"WEBHOOK_URL": url, "WEBHOOK_SECRET": "0123456789abcdef"}
    found = secrets(DATABASE_URL="postgresql://db/preppath", **signed)
    assert {*found} == {"sk-key", "0123456789abcdef", *secret}


def test_secrets_leave_out_empty_passwords() -> None:
    assert secrets(REDIS_URL="redis://:@cache", DATABASE_URL="postgresql://db/p?password=&a") == ("sk-key",)


def test_secrets_are_ordered_by_length_longest_first() -> None:
    redis, database = "redis://:abcdefgh@cache", "postgresql://u:bcde@db/p"
    found = secrets(OPENAI_API_KEY="abcde", REDIS_URL=redis, DATABASE_URL=database)
    assert found == ("abcdefgh", "abcde", "bcde")


def test_secrets_leave_out_short_passwords() -> None:
    assert secrets(DATABASE_URL="postgresql://u:abc@db/p") == ("sk-key",)
