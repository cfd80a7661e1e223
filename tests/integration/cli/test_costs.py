"""What commands tell of the costs of paid requests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.queue.cost_words import short
from preppath_workers.store.keys import BUDGET, Keys
from preppath_workers.store.reading.spending import today
from preppath_workers.store.scripts import Caller
from tests.integration.store.failing import failing
from tests.support.minimal_env import MINIMAL_ENV

from .conftest import Run


@pytest.fixture
def spent(tts: Queue, redis: Redis) -> Queue:
    """A completed job with two calls: one of known cost, and one whose answer never came."""
    tts.enqueue({"userId": "u1"}, id="q1")
    call = Caller(redis, tts.keys.base)
    call("claim", "host", 0, 15_000, 0, 0, 60_000, 1_000)
    opened = {"model": "gpt-6-luna", "user": "u1", "job": "q1", "attempt": 1, "worst": 900, "kind": "open"}
    _, at = call("open_call", "q1", "host:0", 1, "c1", json.dumps({**opened, "id": "c1"}), "")
    call("open_call", "q1", "host:0", 1, "c2", json.dumps({**opened, "id": "c2"}), "")
    paid = {
        **opened,
        "id": "c1",
        "at": at,
        "kind": "actual",
        "nano": 1_500_000,
        "tokens": {"input": 7, "output": 2},
    }
    unknown = {**opened, "id": "c2", "at": at, "kind": "unknown", "nano": 900}
    call("close_calls", "q1", json.dumps(paid), "q1", json.dumps(unknown))
    call("complete", "q1", "host:0", 1, "{}", 60_000, 10)
    return tts


def test_costs_show_each_model_and_the_total(run: Run, spent: Queue) -> None:
    shown = run("costs", QUEUES="tts").stdout.splitlines()
    assert [line.split() for line in shown] == [
        ["MODEL", "CALLS", "COST", "UNKNOWN", "UNPRICED", "TOKENS"],
        ["gpt-6-luna", "1", "$0.0015", "1", "up", "to", "$0.0000009", "-", "9"],
        ["total", "1", "$0.0015", "1", "up", "to", "$0.0000009", "-", "9"],
    ]


@pytest.mark.parametrize(
    ("by", "name"), [("user", "u1"), ("queue", "tts"), ("model", "gpt-6-luna"), ("day", "")]
)
def test_costs_by_anything_have_the_same_sums_as_json(run: Run, spent: Queue, by: str, name: str) -> None:
    row: dict[str, Any] = json.loads(run("costs", "--by", by, "--json", "--since", "7d", QUEUES="tts").stdout)
    assert (row[by], row["dollars"], row["nano"], row["calls"], row["unknown"]) == (
        name or today(spent).isoformat(),
        "0.0015",
        1_500_000,
        1,
        900,
    )


def test_costs_with_unknown_list_each_request_whose_answer_never_came(run: Run, spent: Queue) -> None:
    first, last = run("costs", "--unknown", QUEUES="tts").stdout.splitlines()
    assert first.endswith("  c2  tts q1, attempt 1: gpt-6-luna, up to $0.0000009")
    assert last == "1 request of unknown cost"


def test_costs_with_caps_show_what_is_used_of_each_and_which_users_are_near(
    run: Run, spent: Queue, redis: Redis
) -> None:
    keys, day = Keys(spent.keys.prefix, BUDGET), today(spent).isoformat()
    redis.hset(
        keys.budget(day),
        mapping={"spent all": 1_500_000_000, "unknown all": 500_000_000, "reserved all": 250_000_000},
    )
    redis.hset(keys.budget(day), mapping={"spent user u1": 900_000_000, "spent queue tts": 1})
    redis.hset(keys.budget(day[:7]), mapping={"spent queue tts": 3_000_000_000})
    caps = {"BUDGET_DAY": "20/2", "TTS_BUDGET_MONTH": "none/5", "BUDGET_USER_DAY": "1", "QUEUES": "tts"}

    shown = run("costs", "--caps", **caps).stdout.splitlines()
    assert shown == [
        (
            "all: $2.25 of $20.00 (soft $2.00) today, $0.25 of it reserved, up to $0.50 of it unknown, "
            "the soft cap is reached"
        ),
        "queue tts: $3.00 of a soft $5.00 this month",
        "user u1: $0.90 of $1.00 today",
    ]
    first = json.loads(run("costs", "--caps", "--json", **caps).stdout.splitlines()[0])
    assert (first["scope"], first["period"], first["dollars"]) == ("all", "day", "2.00")
    assert (first["reserved"], first["hard"], first["reached"]) == (250_000_000, 20_000_000_000, "soft")
    assert run("costs", "--caps", QUEUES="tts").stdout == "no cap is configured\n"


def test_costs_with_caps_of_users_alone_say_that_no_user_is_near(run: Run, spent: Queue) -> None:
    caps = {"BUDGET_USER_DAY": "1/0.5", "BUDGET_USER_MONTH": "9", "QUEUES": "tts"}
    shown = run("costs", "--caps", **caps).stdout
    assert shown == "users: $1.00 (soft $0.50) a day, $9.00 a month, and none of them is near\n"
    assert run("costs", "--caps", "--json", **caps).stdout == ""


@pytest.mark.parametrize(
    ("nano", "words"),
    [
        (0, "$0.00"), (20_000_000_000, "$20.00"), (1_500_000, "$0.0015"), (1, "$0.0001"),
        (10_000_001, "$0.0101"), (999_999_999, "$1.00"), (1_234_567_890_123, "$1,234.57"),
    ],
)  # fmt: skip
def test_short_amount_is_rounded_up(nano: int, words: str) -> None:
    assert short(nano) == words


@pytest.mark.parametrize(("cost", "spent_then"), [("0.0000004", 400), ("0", 0)])
def test_costs_resolve_an_unknown_request_in_ledger_and_budget(
    run: Run, spent: Queue, redis: Redis, key_prefix: str, cost: str, spent_then: int
) -> None:
    budget = Keys(key_prefix, "budget")
    call = Caller(redis, budget.base)
    call("reserve", "c2", 900, "tts", "q1", 1, "all", "", "", "", "")
    call("settle_reservations", "c2", "unknown")
    shown = run("costs", "--resolve", "c2", "--cost", cost, QUEUES="tts")
    assert shown.stdout.startswith("tts q1, attempt 1: gpt-6-luna: $0.00")
    assert run("costs", "--unknown", QUEUES="tts").stdout == "0 requests of unknown cost\n"
    [day] = redis.scan_iter(match=budget.budget("????-??-??"))
    assert [int(redis.hget(day, f"{name} all") or 0) for name in ("spent", "unknown")] == [spent_then, 0]
    again = run("costs", "--resolve", "c2", "--cost", cost, QUEUES="tts")
    assert (again.returncode, "no request 'c2' of unknown cost" in again.stderr) == (1, True)


@pytest.mark.parametrize("cost", [[], ["--cost", "much"]])
def test_costs_resolve_without_a_cost_is_a_usage_error(run: Run, cost: list[str]) -> None:
    assert run("costs", "--resolve", "c2", *cost, QUEUES="tts").returncode == 2


@pytest.mark.parametrize("words", [["--cost", "1"], ["--caps", "--unknown"], ["--store", "--resolve", "c2"]])
def test_costs_with_options_that_contradict_is_a_usage_error(run: Run, words: list[str]) -> None:
    assert run("costs", *words, QUEUES="tts").returncode == 2


def test_costs_of_a_day_that_is_no_day_is_a_usage_error(run: Run) -> None:
    shown = run("costs", "--since", "yesterday", QUEUES="tts")
    assert shown.returncode == 2
    assert "'yesterday' is neither a day" in shown.stderr
    assert "2999-01-01 is in the future" in run("costs", "--since", "2999-01-01").stderr


def test_show_tells_what_a_job_cost(run: Run, spent: Queue) -> None:
    lines = run("show", "tts", "q1").stdout.splitlines()
    assert "cost        $0.0015 for 1 request, up to $0.0000009 more whose answers never came" in lines
    cost = json.loads(run("show", "tts", "q1", "--json").stdout)["cost"]
    assert [call["kind"] for call in cost["requests"]] == ["actual", "unknown"]


def test_enqueue_with_dry_run_adds_nothing_and_tells_the_cost(run: Run, spent: Queue) -> None:
    shown = run("enqueue", "tts", "-", "--dry-run", stdin='{"a": 1}\n{"a": 2}\n')
    assert shown.stdout.startswith("tts: 2 jobs may cost about $0.0030018, $0.0015009 each as so far")
    assert spent.counts().waiting == 0


def pay_without_a_price(queue: Queue, redis: Redis, job_id: str) -> None:
    """Run a job with one request to a model that has no price."""
    queue.enqueue({}, id=job_id)
    call = Caller(redis, queue.keys.base)
    call("claim", "host", 0, 15_000, 0, 0, 60_000, 1_000)
    opened = {"id": "c9", "model": "own", "job": job_id, "attempt": 1, "kind": "open"}
    _, at = call("open_call", job_id, "host:0", 1, "c9", json.dumps(opened), "")
    call("close_calls", job_id, json.dumps({**opened, "at": at, "kind": "actual", "tokens": {"input": 7}}))
    call("complete", job_id, "host:0", 1, "{}", 60_000, 10)


def test_forecast_of_a_queue_whose_requests_have_no_price_is_unknown(
    run: Run, tts: Queue, redis: Redis
) -> None:
    pay_without_a_price(tts, redis, "q1")
    assert run("enqueue", "tts", "{}", "--dry-run").stdout.startswith("tts: 1 job, cost unknown")


def test_forecast_tells_how_many_requests_it_leaves_out_for_want_of_a_price(
    run: Run, spent: Queue, redis: Redis
) -> None:
    pay_without_a_price(spent, redis, "q2")
    shown = run("enqueue", "tts", "{}", "--dry-run").stdout
    assert (
        "about $0.00075045, $0.00075045 each as so far without 1 of 2 requests, which have no price" in shown
    )


@pytest.mark.parametrize("by", ["model", "queue", "user", "day"])
def test_costs_by_anything_total_all_requests_also_those_without_a_user(
    run: Run, spent: Queue, redis: Redis, by: str
) -> None:
    pay_without_a_price(spent, redis, "q2")
    shown = run("costs", "--by", by, QUEUES="tts").stdout.splitlines()
    assert [line.split()[:3] for line in shown if line.startswith("total")] == [["total", "2", "$0.0015"]]


def test_enqueue_of_many_jobs_tells_the_most_before_it_adds_them(run: Run, spent: Queue) -> None:
    jobs = '{"questionId": "q1", "text": "Why?"}\n' * 2
    shown = run("enqueue", "tts", "-", stdin=jobs, **MINIMAL_ENV)
    assert "tts: 2 jobs may cost about $0.0030018, $0.0015009 each as so far; at most $0.4" in shown.stderr
    assert "in every one of 7 runs" in shown.stderr
    assert len(shown.stdout.splitlines()) == spent.counts().waiting == 2


@pytest.mark.parametrize("jobs", ['{"wrong": 1}', '{"wrong": 1}\n{"wrong": 2}'])
def test_forecast_of_jobs_that_will_be_refused_is_no_paid_request(run: Run, spent: Queue, jobs: str) -> None:
    shown = run("enqueue", "tts", "-", "--dry-run", stdin=jobs, **MINIMAL_ENV).stdout
    number = "1 job" if jobs.count("wrong") == 1 else "2 jobs"
    assert shown == f"tts: {number}, no paid request\n"


def test_enqueue_with_dry_run_and_json_prints_nano_dollars(run: Run, tts: Queue) -> None:
    job = '{"questionId": "q1", "text": "Why?"}'
    shown = json.loads(run("enqueue", "tts", job, "--dry-run", "--json", **MINIMAL_ENV).stdout)
    assert (shown["jobs"], shown["meanNano"], shown["unboundedJobs"]) == (1, None, 0)
    assert shown["mostNanoOfAllRuns"] == 7 * shown["mostNano"] > 0


def test_enqueue_without_the_workers_configuration_does_not_know_the_most(run: Run, tts: Queue) -> None:
    shown = run("enqueue", "tts", "{}", "--dry-run")
    assert shown.stdout.startswith("tts: 1 job, cost unknown (the configuration lacks what workers need: ")


def test_dead_replay_tells_the_most_before_it_acts(run: Run, tts: Queue, redis: Redis) -> None:
    tts.enqueue({"questionId": "q1", "text": "Why?"}, id="q1")
    call = Caller(redis, tts.keys.base)
    call("claim", "host", 0, 15_000, 0, 0, 60_000, 1_000)
    call("retry", "q1", "host:0", 1, *failing("{}", "permanent", 1, 1, 0))
    dry = run("dead", "replay", "tts", "--dry-run", **MINIMAL_ENV).stdout.splitlines()
    assert dry[-1].startswith("tts: 1 job may cost at most $0.2")
    assert json.loads(run("dead", "replay", "tts", "--dry-run", "--json", **MINIMAL_ENV).stdout)["jobs"] == 1
    shown = run("dead", "replay", "tts", **MINIMAL_ENV)
    assert (shown.stderr, shown.stdout) == (dry[-1] + "\n", "1 dead job replayed: tts 1\n")
