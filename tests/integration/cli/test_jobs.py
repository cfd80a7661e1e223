"""The commands jobs, show, cancel, retry, promote, prioritize, pause and resume."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest
from redis import Redis

from preppath_workers import NewJob, Queue
from preppath_workers.queue.formatting import moment, span
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.store.consuming.outcome import Completed, Failed, Finished
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.redis import RedisServer
from tests.support.servers import running
from tests.support.waiting import eventually

from .asked import answered
from .conftest import Run
from .slots import take


def why(run: Run, job_id: str, **variables: str) -> str:
    shown = run("show", "tts", job_id, **variables)
    assert shown.returncode == 0, shown.stderr
    (line,) = (line for line in shown.stdout.splitlines() if line.startswith("why "))
    return line.removeprefix("why").strip()


def test_jobs_with_offset_and_limit_lists_a_page_of_one_state(run: Run, tts: Queue) -> None:
    tts.enqueue_many(
        NewJob({"text": f"number {number}\nof many, " * 9}, id=f"j{number}") for number in range(4)
    )
    tts.enqueue({"text": "x" * 50}, id="L" * 60)
    tts.enqueue({"text": "ö"}, id="later", delay=90)

    for columns, longest in (("1", 80), ("80", 80), ("120", 120), ("999", 233)):
        page = run("jobs", "tts", "--offset", "1", "--limit", "2", COLUMNS=columns)
        assert [line.split()[0] for line in page.stdout.splitlines()] == ["j1", "j2"]
        assert {len(line) for line in page.stdout.splitlines()} == {longest}
    assert len(run("jobs", "tts", "--offset", "4", COLUMNS="120").stdout) == 120 + 1
    delayed = run("jobs", "tts", "--state", "delayed", "--json")
    assert json.loads(delayed.stdout)["data"] == {"text": "ö"}
    assert run("jobs", "tts", "--state", "failed").stdout == ""


@pytest.mark.parametrize("state", ["active", "completed"])
def test_jobs_that_failed_before_show_their_data_once_that_is_over(
    run: Run, tts: Queue, consumer: Consumer, state: str
) -> None:
    tts.enqueue({"text": "Why?"}, id="a")
    job = take(consumer)
    tts.redis.hset(tts.keys.job("a"), "error", '{"class":"E","message":"of an earlier attempt"}')
    if state == "completed":
        consumer.settle(Finished(job, Completed("{}"), 1))
    assert run("jobs", "tts", "--state", state).stdout.endswith('  {"text":"Why?"}\n')


@pytest.mark.parametrize("option", ["--limit", "--offset"])
@pytest.mark.parametrize(
    ("number", "problem"),
    [("-1", "'-1' is not a whole number"), ("9" * 20, "at most 15 digits are allowed")],
)
def test_jobs_with_an_impossible_number_is_a_usage_error(
    run: Run, option: str, number: str, problem: str
) -> None:
    wrong = run("jobs", "tts", option, number)
    assert (wrong.returncode, problem in wrong.stderr) == (2, True)


def test_show_of_a_retried_job_lists_its_failed_attempts(run: Run, tts: Queue, redis: Redis) -> None:
    tts.enqueue({}, id="j")
    now = tts.now()
    attempt = {"startedAt": now - 62_000, "failedAt": now - 60_000, "class": "E", "message": "away"}
    redis.hset(tts.keys.job("j"), "failedAttempts", json.dumps([attempt]))

    (line,) = (line for line in run("show", "tts", "j").stdout.splitlines() if line.startswith("failed "))
    assert line.endswith("after 2 s, E: away")
    (shown,) = json.loads(run("show", "tts", "j", "--json").stdout)["failedAttempts"]
    assert (shown["class"], shown["message"], shown["failedAt"][-1]) == ("E", "away", "Z")


def test_show_of_a_waiting_job_explains_why_it_waits(run: Run, tts: Queue, consumer: Consumer) -> None:
    tts.enqueue_many(NewJob({}, id=f"j{number}") for number in range(15))
    assert why(run, "j13") == "14th in line, but no worker of this queue is running"
    take(consumer)  # registers an instance
    assert why(run, "j1", TTS_RATE_LIMIT="none") == "next in line, starts as soon as a worker is free"
    assert why(run, "j2", TTS_RATE_LIMIT="1/600").startswith("2nd in line, expected to start in about 10 min")
    tts.pause()
    assert why(run, "j3") == "3rd in line, but the queue is paused"
    tts.resume()
    tts.redis.rpoplpush(tts.keys.wait, tts.keys.active(consumer.worker_id))
    assert why(run, "j1", TTS_RATE_LIMIT="1/600").startswith(
        f"next in line, reserved by worker {consumer.worker_id}, "
    )


def test_show_of_a_job_in_each_state_explains_it(run: Run, tts: Queue, consumer: Consumer) -> None:
    tts.enqueue({}, id="later", delay=90)
    assert " (in 1 min" in why(run, "later")
    tts.enqueue({}, id="a")
    job = take(consumer)
    assert why(run, "a").startswith("runs in test:0 since 20")
    consumer.settle(Finished(job, Failed('{"class":"E","message":"m"}', "unknown"), 1))
    assert why(run, "a").startswith("failed 1 time, last with E; next attempt 20")
    tts.promote("a")
    consumer.settle(Finished(take(consumer), Failed('{"class":"E","message":"m"}', "permanent"), 1))
    assert why(run, "a") == "in the dead-letter list: permanent; `retry tts a` retries it"
    tts.replay(["a"])
    consumer.settle(Finished(take(consumer), Completed("{}"), 1))
    assert why(run, "a") == "completed by attempt 1"
    tts.cancel("later")
    assert why(run, "later") == "cancelled before it started"


def test_show_with_json_has_the_location_and_the_reason(run: Run, tts: Queue) -> None:
    tts.enqueue({}, id="a")
    shown = json.loads(run("show", "tts", "a", "--json").stdout)
    assert shown["location"].items() >= {"ahead": 0, "workers": 0}.items()
    assert shown["why"].startswith("next in line")


@pytest.mark.parametrize(
    ("words", "message", "state"),
    [
        (["cancel", "tts", "waits"], "waits cancelled", ("waits", "cancelled")),
        (["retry", "tts", "dead"], "dead waiting", ("dead", "waiting")),
        (["promote", "tts", "later"], "later waiting", ("later", "waiting")),
        (["prioritize", "tts", "waits", "3"], "waits waiting", ("waits", "waiting")),
        (["prioritize", "tts", "later", "3"], "later delayed", ("later", "delayed")),
    ],
)
def test_command_on_a_job_changes_it_and_prints_its_state(
    run: Run, tts: Queue, consumer: Consumer, words: list[str], message: str, state: tuple[str, str]
) -> None:
    tts.enqueue({}, id="dead")
    consumer.settle(Finished(take(consumer), Failed('{"class":"E","message":"m"}', "permanent"), 1))
    tts.enqueue({}, id="waits")
    tts.enqueue({}, id="later", delay=90)

    done = run(*words)

    assert (done.returncode, done.stdout, done.stderr) == (0, message + "\n", "")
    job = tts.get(state[0])
    assert job is not None
    assert job.state == state[1]
    if words[0] == "prioritize":
        assert job.priority == 3


@pytest.mark.parametrize("command", ["cancel", "retry", "promote"])
def test_command_that_does_not_apply_to_the_job_says_so(
    run: Run, tts: Queue, consumer: Consumer, command: str
) -> None:
    tts.enqueue({}, id="runs")
    take(consumer)
    refused = run(command, "tts", "runs", "unknown")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[0].startswith(f"cannot {command} job runs: it is active (only ")
    assert refused.stderr.splitlines()[1] == f"{command}: queue tts has no job 'unknown'"


@pytest.mark.parametrize("priority", ["0", "101", "1.5", "high"])
def test_prioritize_with_a_priority_out_of_range_is_refused(run: Run, tts: Queue, priority: str) -> None:
    wrong = run("prioritize", "tts", "a", priority)
    assert (wrong.returncode, "from 1 to 100" in wrong.stderr) == (2, True)


def test_pause_and_resume_of_one_queue_or_all_change_their_gate(run: Run, tts: Queue) -> None:
    assert run("pause", "tts").stdout == "tts paused\n"
    assert tts.gate().paused
    assert run("resume", "--all").stdout.splitlines()[1] == "tts resumed"
    assert not tts.gate().paused
    assert run("pause").returncode == 2


@pytest.mark.parametrize(
    ("ms", "read"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (9_400, "9 s"),
        (59_400, "59 s"),
        (60_000, "1 min"),
        (125_000, "2 min 5 s"),
        (12_000_000, "3 h 20 min"),
        (187_200_000, "2 days 4 h"),
    ],
)
def test_span_of_milliseconds_reads_in_two_units(ms: int, read: str) -> None:
    assert span(ms) == read


def test_moment_of_an_invalid_time_is_the_text_itself() -> None:
    assert moment(10**20, 0) == "100000000000000000000"


def test_show_with_wait_continues_after_a_redis_outage(key_prefix: str) -> None:
    server = RedisServer(settings={"appendonly": "yes", "appendfsync": "always"})
    with running(server):
        queue = Queue("tts", Redis.from_url(server.url, decode_responses=True), key_prefix)
        queue.enqueue({}, id="j")
        waiting = subprocess.Popen(
            [sys.executable, "-m", "preppath_workers", "show", "tts", "j", "--wait", "30"],
            env={**os.environ, **MINIMAL_ENV, "REDIS_URL": server.url, "KEY_PREFIX": key_prefix},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        blocked = "brpoplpush"  # until the job ends
        eventually(lambda: blocked in [client["cmd"] for client in queue.redis.client_list()])
        server.kill()
        assert waiting.stderr is not None
        assert "still waiting" in waiting.stderr.readline()
        server.start()
        queue.redis.hset(queue.keys.job("j"), "state", "completed")
        out, _ = waiting.communicate(timeout=30)
    assert waiting.returncode == 0
    assert "completed" in out


def test_cancel_by_state_and_field_cancels_only_those(run: Run, tts: Queue) -> None:
    for number in range(3):
        tts.enqueue({"userId": f"u{number % 2}"}, id=f"j{number}")
    tts.enqueue({"userId": "u0"}, id="later", delay=60)
    words = ("cancel", "tts", "--state", "waiting", "--where", "userId=u0")
    assert run(*words, "--dry-run").stdout == "j0\nj2\n"
    assert run(*words, "--older-than", "1h").stderr == "cancel: no waiting job of queue tts matches\n"
    assert tts.counts().waiting == 3
    assert run(*words).stdout == "j0 cancelled\nj2 cancelled\n"
    assert (tts.counts().waiting, tts.counts().delayed) == (1, 1)
    assert run("cancel", "tts").returncode == 2
    assert run("cancel", "tts", "j1", "--where", "a=b").returncode == 2


@pytest.mark.parametrize(
    ("answer", "options", "left"), [(b"n\n", (), 2), (b"y\n", (), 0), (b"", ("--yes",), 0)]
)
def test_cancel_by_state_on_a_terminal_asks_first(
    redis_url: str, key_prefix: str, tts: Queue, answer: bytes, options: Sequence[str], left: int
) -> None:
    tts.enqueue_many([NewJob({}, f"j{number}") for number in range(2)])
    environment = {"REDIS_URL": redis_url, "KEY_PREFIX": key_prefix}
    done = answered(answer, environment, "cancel", "tts", "--state", "waiting", *options)
    question = "Cancel 2 jobs of tts? [y/N]\n" * (not options)
    refusal = "cancel: not confirmed, nothing was cancelled (--yes skips the confirmation)\n"
    assert done.stderr == question + refusal * (left > 0)
    assert (done.returncode, tts.counts().waiting) == (int(left > 0), left)


def test_cancel_with_a_limit_cancels_no_more_jobs(run: Run, tts: Queue) -> None:
    tts.enqueue_many([NewJob({}, f"j{number}") for number in range(3)])
    assert run("cancel", "tts", "--state", "waiting", "--limit", "2").stdout == "j0 cancelled\nj1 cancelled\n"
    assert tts.counts().waiting == 1


def test_cancel_by_state_active_needs_no_running(run: Run, tts: Queue, consumer: Consumer) -> None:
    tts.enqueue({}, id="j")
    consumer.settle_and_fetch()
    assert consumer.next_job()
    assert run("cancel", "tts", "--state", "active").stdout == "j cancelling\n"


def test_cancel_of_an_active_job_needs_running(run: Run, tts: Queue, consumer: Consumer) -> None:
    tts.enqueue({}, id="j")
    consumer.settle_and_fetch()
    assert consumer.next_job()
    refused = run("cancel", "tts", "j")
    assert refused.returncode == 1
    assert "it is active (only waiting or delayed jobs can be cancelled, and active ones" in refused.stderr
    assert run("cancel", "tts", "j", "--running").stdout == "j cancelling\n"
