"""`check --only`: each group needs the variables that it is about, and no others."""

from __future__ import annotations

import json

import pytest

from .conftest import Run

#: A mistake in each variable of another group.
WRONG = {
    "redis": {"KEY_PREFIX": "{}"},
    "database": {"DATABASE_URL": "mysql://127.0.0.1/x", "LEDGER_ROWS": "perhaps"},
    "storage": {"S3_BUCKET": "a/b", "S3_REGION": "-"},
    "models": {"OPENAI_API_KEY": "ключ", "OPENAI_TTS_API": "none"},
    "queues": {"TTS_CONCURRENCY": "many"},
    "none": {"LOG_LEVEL": "loud", "WEBHOOK_URL": "ftp://a", "LEASE_SECONDS": "0", "SENTRY_DSN": "x"},
}

#: The variables that each group reads, by their group above.
READS = {
    "redis": {"redis"},
    "database": {"database", "redis", "queues"},
    "storage": {"storage"},
    "models": {"models"},
    "limits": {"redis", "queues"},
    "data": {"redis"},
}


def problems(run: Run, *groups: str, **variables: str) -> tuple[int, set[str]]:
    """The exit code, and the variables that are wrong or not set."""
    only = [word for group in groups for word in ("--only", group)]
    done = run("check", "--json", *only, **variables)
    found = json.loads(done.stdout)
    wrong = {one["detail"].split()[0] for one in found if one["what"] == "configuration"}
    return done.returncode, wrong


@pytest.mark.parametrize("group", ["redis", "limits", "data"])
def test_check_of_what_is_in_redis_needs_nothing_but_redis(run: Run, group: str) -> None:
    code, wrong = problems(run, group)
    assert (code in (0, 1), wrong) == (True, set())


@pytest.mark.parametrize(
    ("group", "variable"),
    [("database", "DATABASE_URL"), ("storage", "S3_BUCKET"), ("models", "OPENAI_API_KEY")],
)
def test_check_of_a_service_asks_for_its_own_variable_only(run: Run, group: str, variable: str) -> None:
    assert problems(run, group) == (78, {variable})


@pytest.mark.parametrize("group", READS)
def test_check_of_a_group_reports_the_mistakes_of_what_it_reads(run: Run, group: str) -> None:
    all_wrong = {name: value for each in WRONG.values() for name, value in each.items()}
    assert problems(run, group, **all_wrong) == (78, {name for read in READS[group] for name in WRONG[read]})


def test_check_of_several_groups_reports_the_mistakes_of_all(run: Run) -> None:
    assert problems(run, "storage", "models") == (78, {"S3_BUCKET", "OPENAI_API_KEY"})


@pytest.mark.parametrize(("group", "wrong"), [("data", set()), ("storage", {"HTTPS_PROXY", "S3_BUCKET"})])
def test_check_refuses_a_proxy_that_it_would_use(run: Run, group: str, wrong: set[str]) -> None:
    assert problems(run, group, HTTPS_PROXY="socks5://127.0.0.1:9")[1] == wrong


def test_check_with_paid_reads_the_prices_too(run: Run) -> None:
    only = ["check", "--only", "models", "--paid", "--json"]
    done = run(*only, OPENAI_PRICES="/nowhere.toml")
    found = [one["detail"].split()[0] for one in json.loads(done.stdout)]
    assert (done.returncode, found) == (78, ["OPENAI_API_KEY", "OPENAI_PRICES"])


@pytest.mark.parametrize("words", [[], ["--fast"]])
def test_check_without_only_needs_all_that_the_workers_need(run: Run, words: list[str]) -> None:
    done = run("check", *words, LOG_LEVEL="loud")
    named = {line.split()[2] for line in done.stdout.splitlines()}
    assert (done.returncode, named) == (78, {"OPENAI_API_KEY", "S3_BUCKET", "DATABASE_URL", "LOG_LEVEL"})
