"""`import-bullmq`, on queues that the real BullMQ has filled: three versions, which keep them differently."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue

from .conftest import Run

FOLDER = Path(__file__).parent / "bullmq"

pytestmark = [
    pytest.mark.skipif(
        not (shutil.which("node") and (FOLDER / "node_modules").exists()),
        reason="BullMQ is not installed: npm ci, in tests/integration/cli/bullmq",
    ),
    pytest.mark.timeout(120),
]

VERSIONS = ["bullmq3", "bullmq5", "bullmq6"]
HOUR = 3_600_000

#: The id of the job whose old id is not allowed here.
ODD = "bullmq-an_id_with_blanks-0c7c8ffbcc3e"


def bullmq(redis_url: str, version: str, *steps: str) -> dict[str, int]:
    """Take these steps of fill.js. Returns the counts that the last one printed, if it is `counts`."""
    done = subprocess.run(
        ["node", "fill.js", version, "speech", *steps],
        cwd=FOLDER,
        env={**os.environ, "REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    counts: dict[str, int] = json.loads(done.stdout or "{}")
    return counts


def everything(redis_url: str) -> dict[bytes, bytes]:
    """Return every key and its value, as the server dumps it."""
    with Redis.from_url(redis_url) as redis:
        return {key: redis.dump(key) for key in redis.keys("*")}


@pytest.mark.parametrize(
    "version",
    [*(pytest.param(version, marks=pytest.mark.trial) for version in VERSIONS[:-1]), VERSIONS[-1]],
)
def test_import_takes_jobs_in_every_state_and_lists_the_others(
    run: Run, redis: Redis, redis_url: str, tts: Queue, version: str
) -> None:
    started = int(time.time() * 1000)
    bullmq(redis_url, version, "failed", "added", "flow", "schedule", "pause")

    imported = run("import-bullmq", "tts", "--from", "speech")
    assert imported.returncode == 0, imported.stderr
    assert imported.stderr == ""
    assert [(job.id, job.priority, job.data) for job in tts.jobs("waiting")] == [
        ("urgent", 1, {"n": "urgent"}),
        ("plain", 50, {"n": "plain"}),
        (ODD, 50, {"n": "odd"}),
        ("last", 100, {"n": "last"}),
    ]
    (late,) = tts.jobs("delayed")
    due = redis.zscore(tts.keys.delayed, "late")
    assert (late.id, late.priority, late.data) == ("late", 3, {"n": "late"})
    assert due is not None
    assert started <= due - HOUR <= time.time() * 1000
    never, boom = tts.dead_letters()
    assert (boom.id, boom.reason, boom.data, boom.attempts) == ("f-1", "retries", {"n": "boom"}, 1)
    assert boom.error == {"class": "TypeError", "message": "é is not a function"}
    assert (never.id, never.reason) == ("f-2", "permanent")
    assert started <= boom.finished_at <= time.time() * 1000  # type: ignore[operator] # it has one

    lines = imported.stdout
    assert f"{'bullmq:' + version[-1]}" in lines
    for expected in (
        *("names: speak 6, whisper 1", "data is not a JSON object (array)", "flow (child, parent)"),
        *("repeatable (repeat:", "schedule (nightly)" if version != "bullmq3" else "schedule (speak:"),
    ):
        assert expected in lines


def test_second_import_adds_nothing_even_if_jobs_are_gone(
    run: Run, redis: Redis, redis_url: str, tts: Queue
) -> None:
    bullmq(redis_url, "bullmq6", "failed", "added", "pause")
    dry = run("import-bullmq", "tts", "--from", "speech", "--dry-run")
    assert "waiting             2 would be taken" in dry.stdout
    found = json.loads(run("import-bullmq", "tts", "--from", "speech", "--dry-run", "--json").stdout)
    assert found["taken"] == {"waiting": 2, "prioritized": 2, "delayed": 1, "failed": 2}
    assert (found["dryRun"], found["from"], found["paused"]) == (True, "speech", True)
    assert redis.keys(f"{tts.keys.base}*") == []

    run("import-bullmq", "tts", "--from", "speech")
    tts.cancel("plain")
    redis.delete(tts.keys.job("plain"))  # as after KEEP_COMPLETED_SECONDS
    before = everything(redis_url)
    again = run("import-bullmq", "tts", "--from", "speech")
    assert "7 taken by an earlier import" in again.stdout
    assert everything(redis_url) == before
    redis.hdel("bull:speech:urgent", "preppath")  # as if the first import had ended before it marked this job
    assert "prioritized         1 taken" in run("import-bullmq", "tts", "--from", "speech").stdout
    assert everything(redis_url) == before


def test_import_with_remove_keeps_the_order_of_many_and_deletes_what_it_takes(
    run: Run, redis: Redis, redis_url: str, tts: Queue
) -> None:
    bullmq(redis_url, "bullmq5", "failed", "flow", "many", "added", "pause")
    assert "flow" in run("import-bullmq", "tts", "--from", "speech", "--state", "waiting", "--remove").stdout
    assert [job.data["n"] for job in tts.jobs("waiting", count=1_000)] == [*range(450), "plain", "odd"]
    run("import-bullmq", "tts", "--from", "speech", "--remove")

    counts = bullmq(redis_url, "bullmq5", "counts")
    left = {name: count for name, count in counts.items() if count}
    assert left.pop("waiting-children") == 1
    assert [*left.values()] == [2]  # the child of the flow, and the job whose data is an array
    assert redis.exists("bull:speech:m-0", "bull:speech:f-1") == 0


def test_import_of_a_queue_that_is_not_paused_or_not_there_is_refused(
    run: Run, redis: Redis, redis_url: str
) -> None:
    redis.hset("bull:speech:meta", "version", "bullmq:6.7.0")
    redis.lpush("bull:speech:wait", "1")
    before = everything(redis_url)
    refused = run("import-bullmq", "tts", "--from", "speech")
    assert refused.returncode == 1
    assert "cannot import speech: it is not paused" in refused.stderr
    assert everything(redis_url) == before
    assert (
        "there is no BullMQ queue 'bull:nosuch' at" in run("import-bullmq", "tts", "--from", "nosuch").stderr
    )


def test_job_whose_id_names_another_job_here_is_left(
    run: Run, redis: Redis, redis_url: str, tts: Queue
) -> None:
    bullmq(redis_url, "bullmq6", "added", "pause")
    tts.enqueue({"n": "mine"}, id="plain")
    imported = run("import-bullmq", "tts", "--from", "speech", "--name", "speak", "--without-priority", "1")
    assert "not taken           1 id of another job here (plain)" in imported.stdout
    assert [(job.id, job.priority) for job in tts.jobs("waiting")] == [
        (ODD, 1),
        ("urgent", 1),
        ("plain", 50),
    ]
    assert redis.exists("bull:speech:plain") == 1
