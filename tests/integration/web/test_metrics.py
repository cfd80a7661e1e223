"""What `/metrics` says of the queues."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import preppath_workers.web
from preppath_workers import NewJob, Queue
from preppath_workers.store.keys import BUDGET, Keys
from preppath_workers.store.reading.oldest import oldest_waiting_ms
from preppath_workers.store.reading.spending import today

from .conftest import Serve, Site

WEB = Path(preppath_workers.web.__file__).parent
ALERTS, DASHBOARD = WEB / "alerts.yml", WEB / "dashboard.json"


def samples(site: Site) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = site.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_metrics_show_the_queue_as_it_is(site: Site, tts: Queue, redis: Any) -> None:
    def value(name: str, **labels: str) -> float:
        return found["preppath_" + name, frozenset({"queue": "tts", **labels}.items())]

    tts.enqueue({}, id="old")
    tts.enqueue({}, id="later", delay=60)
    redis.hset(tts.keys.job("old"), "createdAt", tts.now() - 90_000)
    redis.hset(tts.keys.stats, mapping={"completed": 7, "recovered": 3, "instanceLost": 1})
    redis.hset(tts.keys.causes, mapping={"retried:E": 3, "excused:E": 1, "dead:retries:E": 2})
    redis.hset(tts.keys.durations, mapping={"completed:1:30": 4, "completed:runMs": 80_000})
    redis.hset(tts.keys.spent, mapping={"tts-1 calls": 2, "tts-1 nano": 500_000_000, "tts-1 input": 12})
    tts.pause()
    found = samples(site)

    assert value("queue_jobs", state="waiting") == 1
    assert value("queue_jobs", state="delayed") == 1
    assert 90 <= value("queue_oldest_waiting_seconds") < 120
    assert value("queue_paused") == 1
    assert value("queue_out_of_service", service="") == 0
    assert value("jobs_total", outcome="completed") == 11
    assert value("job_retries_total", counted="yes", **{"class": "E"}) == 3
    assert value("dead_letters_total", reason="retries", **{"class": "E"}) == 2
    assert value("job_run_seconds_bucket", outcome="completed", le="10") == 0
    assert value("job_run_seconds_bucket", outcome="completed", le="30") == 4
    assert value("job_run_seconds_sum", outcome="completed") == 80
    assert value("vendor_cost_dollars_total", model="tts-1") == 0.5
    assert value("vendor_tokens_total", model="tts-1", kind="input") == 12
    assert value("job_recoveries_total", cause="worker-died") == 2
    assert value("job_recoveries_total", cause="instance-lost") == 1
    assert value("instances") == 0


def test_counters_do_not_go_back_when_an_unknown_cost_becomes_known(site: Site, tts: Queue) -> None:
    """Prometheus would take that for a restart, and count all that was spent before once more."""
    call = {"id": "c1", "model": "m", "at": tts.now(), "nano": 9 * 10**8}
    tts.call("close_calls", "a", json.dumps({**call, "kind": "unknown"}))
    before = samples(site)
    tts.call("close_calls", "a", json.dumps({**call, "kind": "actual", "nano": 2 * 10**8}))
    after = samples(site)

    labels = frozenset({"queue": "tts", "model": "m"}.items())
    for found, calls, dollars in ((before, 1, 0.9), (after, 0, 0)):
        assert found["preppath_vendor_unknown_calls", labels] == calls
        assert found["preppath_vendor_unknown_dollars", labels] == dollars
    assert after["preppath_vendor_cost_dollars_total", labels] == 0.2
    gone_back = {key for key, value in before.items() if key[0].endswith("_total") and after[key] < value}
    assert gone_back == set()


def test_oldest_waiting_is_found_behind_more_urgent_jobs(tts: Queue, redis: Any) -> None:
    assert oldest_waiting_ms(tts) is None
    for priority, jobs in ((50, 30), (1, 200), (70, 7), (100, 1)):
        tts.enqueue_many(NewJob({}, id=f"p{priority}-{n}", priority=priority) for n in range(jobs))
    for job_id, seconds in (("p70-0", 900), ("p1-0", 20)):
        redis.hset(tts.keys.job(job_id), "createdAt", tts.now() - seconds * 1000)
    redis.lpush(tts.keys.wait, b'{"raw": "\xff"}', "x" * 1000)

    assert 900_000 <= (oldest_waiting_ms(tts) or 0) < 960_000


def test_metrics_tell_when_models_end_and_what_is_used_of_caps(
    serve: Serve, tts: Queue, redis: Any, key_prefix: str
) -> None:
    day = today(tts).isoformat()
    redis.hset(Keys(key_prefix, BUDGET).budget(day), mapping={"spent all": 2 * 10**9, "reserved all": 10**9})
    models = {
        "OPENAI_TTS_MODEL": "gpt-4o-mini-tts-2025-12-15",
        "OPENAI_WHISPER_BASE_URL": "http://own.example",
    }
    found = samples(serve(BUDGET_DAY="20/15", OPENAI_WHISPER_MODEL="whisper-1", **models))

    def values(name: str, *labels: str) -> dict[tuple[str, ...], float]:
        return {
            tuple(dict(pairs)[label] for label in labels): value
            for (each, pairs), value in found.items()
            if each == f"preppath_{name}"
        }

    assert values("budget_dollars", "scope", "period", "kind") == {
        ("all", "day", "spent"): 2,
        ("all", "day", "unknown"): 0,
        ("all", "day", "reserved"): 1,
    }
    assert values("budget_cap_dollars", "scope", "cap") == {("all", "hard"): 20, ("all", "soft"): 15}
    ends = datetime(2027, 1, 6, tzinfo=UTC).timestamp()
    shown = values("model_end_timestamp_seconds", "queue", "model")
    assert shown == {("tts", "gpt-4o-mini-tts-2025-12-15"): ends}  # the other server's is not OpenAI's


def test_alerts_and_dashboard_use_metrics_that_exist(serve: Serve, tts: Queue, redis: Any) -> None:
    site = serve(OPENAI_TTS_MODEL="tts-1", BUDGET_DAY="20")
    redis.hset(tts.keys.causes, mapping={"retried:E": 1, "dead:retries:E": 1})
    redis.hset(tts.keys.spent, mapping={"m calls": 1, "m nano": 1, "m input": 1})
    expressions = [
        *re.findall(r"expr: (.*)", ALERTS.read_text(encoding="utf-8")),
        *(
            target["expr"]
            for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]
            for target in panel["targets"]
        ),
    ]

    used = {name for expression in expressions for name in re.findall(r"preppath_\w+", expression)}
    shown = {name for name, _ in samples(site)}
    assert used - shown == set()


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool: apt-get install prometheus")
def test_alerts_fire_for_what_is_due_and_for_nothing_else(tmp_path: Path) -> None:
    day = 86_400
    series = {
        'preppath_model_end_timestamp_seconds{queue="tts",model="soon"}': 13 * day,
        'preppath_model_end_timestamp_seconds{queue="evaluation",model="later"}': 60 * day,
        'preppath_model_end_timestamp_seconds{queue="evaluation",model="far"}': 400 * day,
        'preppath_budget_dollars{scope="all",period="day",kind="spent"}': 15,
        'preppath_budget_dollars{scope="all",period="day",kind="reserved"}': 2,
        'preppath_budget_dollars{scope="queue tts",period="day",kind="spent"}': 1,
        'preppath_budget_cap_dollars{scope="all",period="day",cap="hard"}': 20,
        'preppath_budget_cap_dollars{scope="all",period="day",cap="soft"}': 5,
        'preppath_budget_cap_dollars{scope="queue tts",period="day",cap="hard"}': 20,
        'preppath_queue_out_of_service{queue="tts",service="openai"}': 1,
        'preppath_queue_out_of_service{queue="evaluation",service=""}': 0,
        'preppath_build_info{version="1"}': 1,
        'preppath_instances{queue="webhook"}': 0,
        'preppath_queue_jobs{queue="webhook",state="delayed"}': 3,  # retries that no worker will start
        'preppath_instances{queue="tts"}': 0,
        'preppath_queue_jobs{queue="tts",state="failed"}': 3,
        # Fifty die at once, of an error that was never seen before.
        'preppath_jobs_total{queue="tts",outcome="failed"}': "0x100 50",
        'preppath_dead_letters_total{queue="tts",reason="invalid",class="New"}': "_x100 50",
        'preppath_jobs_total{queue="evaluation",outcome="failed"}': "0+0.3",
    }
    due: dict[str, list[dict[str, str]]] = {
        "PrepPathModelEnds": [{"queue": "tts", "model": "soon"}],
        "PrepPathModelEndsLater": [
            {"queue": "tts", "model": "soon"},
            {"queue": "evaluation", "model": "later"},
        ],
        "PrepPathBudgetNearlySpent": [{"scope": "all", "period": "day"}],
        "PrepPathQueueOutOfService": [{"queue": "tts", "service": "openai"}],
        "PrepPathMetricsMissing": [],
        "PrepPathNoInstance": [{"queue": "webhook"}],
        "PrepPathDeadLettersGrow": [{"queue": "tts"}],
    }
    # What is said is not part of this test.
    rules = re.sub(r"(?m)^ +(annotations|summary|description):.*\n", "", ALERTS.read_text("utf-8"))
    severities = dict(re.findall(r"alert: (\w+)\n(?: +(?:#|expr|for).*\n)*.*severity: (\w+)", rules))
    expected = [
        {
            "eval_time": "2h",
            "alertname": name,
            "exp_alerts": [{"exp_labels": {**labels, "severity": severities[name]}} for labels in firing],
        }
        for name, firing in due.items()
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": f"{value}x130"} for name, value in series.items()],
        "alert_rule_test": expected,
    }
    (tmp_path / "alerts.yml").write_text(rules)
    cases = tmp_path / "tests.yml"
    cases.write_text(json.dumps({"rule_files": ["alerts.yml"], "tests": [test]}))  # JSON is YAML too

    done = subprocess.run(["promtool", "test", "rules", str(cases)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool: apt-get install prometheus")
def test_alerts_and_metrics_are_valid_for_prometheus(site: Site, tts: Queue) -> None:
    tts.enqueue({})
    for command, text in (
        (["check", "rules", str(ALERTS)], ""),
        (["check", "metrics"], site.get("/metrics").text),
    ):
        done = subprocess.run(["promtool", *command], input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_metrics_and_costs_of_hashes_that_hold_garbage_are_shown(
    serve: Serve, tts: Queue, redis: Any
) -> None:
    site, date = serve(BUDGET_DAY="20"), today(tts).isoformat()
    day = tts.keys.spent_on(date)
    redis.hset(Keys(tts.keys.prefix, BUDGET).budget(date), "spent all", b"1\xff")
    garbage = {b'm"\n\xff calls': b"2", b"m calls": b"many", b"m": b"1", b"": b""}
    for key in (tts.keys.spent, day):
        redis.hset(key, mapping=garbage)
    redis.hset(tts.keys.causes, mapping={b"retried:E\xff": b"1", b"dead:E": b"x", b"": b""})
    redis.hset(tts.keys.stats, mapping={b"enqueued": b"1.5e", b"completed": b"", b"\xff": b"1"})
    redis.zadd(f"{day}:users:nano", {b"u\xff": 5})

    found = samples(site)
    labels = frozenset({"queue": "tts", "model": 'm"\\n\\udcff', "cost": "known"}.items())
    assert found["preppath_vendor_calls_total", labels] == 2
    for path in ("/", "/queues/tts", "/costs", "/costs?by=user", "/costs?by=day", "/api/v1/costs?by=user"):
        assert site.get(path).status_code == 200, path
