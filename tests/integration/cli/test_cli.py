"""The command line as a user sees it: enqueue, status, queues, configuration and help."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.store.consuming.outcome import Completed, Finished
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.process import ROOT

from .conftest import Run
from .slots import take

NO_WORKER = "enqueue: no worker of queue tts is running; its jobs wait for one\n"


def test_enqueue_of_one_job_prints_its_id_and_status_shows_it(run: Run, tts: Queue) -> None:
    added = run(
        "enqueue", "tts", '{"questionId": "q1", "text": "Wieso?"}', "--priority", "7", "--delay", "60"
    )
    assert (added.returncode, added.stderr) == (0, NO_WORKER)
    job_id = added.stdout.strip()
    shown = run("status", "tts", job_id, "--json")
    assert shown.returncode == 0
    expected = {"queue": "tts", "id": job_id, "state": "delayed", "priority": 7, "attempts": 0}
    assert json.loads(shown.stdout).items() >= expected.items()
    assert json.loads(shown.stdout)["data"] == {"questionId": "q1", "text": "Wieso?"}
    plain = run("status", "tts", job_id).stdout.splitlines()
    assert "state       delayed" in plain
    assert "progress    0 %" in plain


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--at", "2526-12-01T08:00:00Z"], 1, ": at must be at most ten years from now"),
        (["--at", "2035-12-01T08:00:00Z", "--expires", "5"], 1, ": expires must be later than at, and"),
        (["--at", "2026-12-01"], 2, "at must be a time with a time zone, such as 2026-12-01T08:00:00Z, not"),
        (["--at", "2035-12-01T08:00:00Z", "--delay", "5"], 2, "at and delay exclude each other"),
    ],
)
def test_enqueue_at_a_wrong_time_is_refused_and_adds_nothing(
    run: Run, tts: Queue, words: list[str], code: int, message: str
) -> None:
    refused = run("enqueue", "tts", "-", *words, stdin="{}\n" * 2)
    assert (refused.returncode, refused.stdout) == (code, "")
    assert message in refused.stderr
    assert tts.counts().waiting == tts.counts().delayed == 0


def test_enqueue_takes_delay_and_expiry_with_a_unit(run: Run, tts: Queue) -> None:
    added = run("enqueue", "tts", "{}", "--delay", "90s", "--expires", "2h").stdout.strip()
    job = tts.ref(added).status()
    assert (tts.redis.zscore(tts.keys.delayed, added), job.expires_at) == (
        job.created_at + 90_000,
        job.created_at + 7_200_000,
    )
    refused = run("enqueue", "tts", "{}", "--delay", "soon")
    assert "'soon' is not a number of seconds, or a time such as 90s, 30m, 2h or 7d" in refused.stderr


def test_enqueue_at_a_time_delays_the_job_until_then(run: Run, tts: Queue) -> None:
    added = run("enqueue", "tts", "{}", "--at", "2035-12-01T09:00:00+01:00")
    assert added.returncode == 0
    assert tts.redis.zscore(tts.keys.delayed, added.stdout.strip()) == 2_080_108_800_000


def test_enqueue_with_an_existing_id_adds_nothing_and_says_so(run: Run, tts: Queue) -> None:
    assert run("enqueue", "tts", "{}", "--id", "once").returncode == 0
    again = run("enqueue", "tts", "{}", "--id", "once")
    assert (again.returncode, again.stdout) == (0, "once\n")
    assert again.stderr == f"enqueue: job once already exists, nothing was added\n{NO_WORKER}"
    assert tts.counts().waiting == 1


@pytest.mark.parametrize("stdin", ["", "\n \n"])
def test_enqueue_of_no_lines_says_so(run: Run, stdin: str) -> None:
    """The program whose output they are may have failed."""
    added = run("enqueue", "tts", "-", stdin=stdin)
    assert (added.returncode, added.stdout) == (0, "")
    assert added.stderr == "enqueue: standard input has no jobs\n"


@pytest.mark.parametrize("words", [["--config", "", "queues"], ["queues", "--config="]])
def test_config_option_without_a_file_is_a_usage_error(run: Run, words: list[str]) -> None:
    refused = run(*words)
    assert refused.returncode == 2
    assert refused.stderr.endswith("argument --config: expected the name of a file, not an empty one\n")


def test_import_from_a_wrong_redis_names_its_variable(run: Run) -> None:
    refused = run("import-bullmq", "tts", BULLMQ_REDIS_URL="http://h")
    assert refused.returncode == 78
    assert refused.stderr.startswith("preppath-workers: BULLMQ_REDIS_URL is wrong: expected a URL that")


def test_enqueue_from_standard_input_adds_each_line(run: Run, tts: Queue) -> None:
    lines = "".join(f'{{"n": {number}}}\n' for number in range(700)) + "\n"
    added = run("enqueue", "tts", "-", stdin=lines)
    ids = added.stdout.split()
    assert len(ids) == 700
    assert tts.counts().waiting == 700
    job = tts.get(ids[-1])
    assert job is not None
    assert job.data == {"n": 699}


@pytest.mark.parametrize(
    ("words", "stdin", "message"),
    [
        (["{"], "", "not JSON"),
        (["[1]"], "", "not a JSON object"),
        ([""], "", "not JSON"),
        (["-"], '{"good": 1}\n{"bad": \n', "line 2: not JSON"),
        (["-"], '{"good": 1}\n\n{"bad": NaN}\n', "line 3: data is not JSON"),
    ],
)
def test_enqueue_of_invalid_data_is_refused_and_adds_nothing(
    run: Run, tts: Queue, words: list[str], stdin: str, message: str
) -> None:
    refused = run("enqueue", "tts", *words, stdin=stdin)
    assert refused.returncode == 1
    assert refused.stderr.startswith("enqueue: ")
    assert message in refused.stderr
    assert tts.counts().waiting == 0


def test_run_knows_the_queues_named_before_and_after_the_command(run: Run) -> None:
    for words in (("--queue", "no", "run", "--queue", "tts"), ("--queue", "tts", "run", "--queue", "no")):
        refused = run(*words, "--check-config", **{**MINIMAL_ENV, "JOBS": ""})
        assert (refused.returncode, "no queue 'no'" in refused.stderr) == (78, True)


def test_status_of_an_unknown_job_is_one_line_and_exit_code_1(run: Run) -> None:
    shown = run("status", "tts", "unknown")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == "show: queue tts has no job 'unknown'\n"


def test_status_with_wait_returns_when_the_job_ends(run: Run, tts: Queue, consumer: Consumer) -> None:
    for job_id in ("good", "bad", "late"):
        tts.enqueue({}, id=job_id, delay=99 if job_id == "late" else 0)
    consumer.settle(Finished(take(consumer), Completed('{"ok": true}'), 1))
    tts.cancel("bad")
    done = run("status", "tts", "good", "--wait", "5", "--json")
    assert (done.returncode, json.loads(done.stdout)["result"]) == (0, {"ok": True})
    assert run("status", "tts", "bad", "--wait").returncode == 3
    assert run("status", "tts", "late", "--wait", "0.2").returncode == 4


def test_queues_with_jobs_shows_counts_of_every_queue(run: Run, tts: Queue, consumer: Consumer) -> None:
    tts.enqueue({}, id="a")
    tts.enqueue({}, delay=60)
    take(consumer)
    rows = {row["queue"]: row for row in map(json.loads, run("queues", "--json").stdout.splitlines())}
    assert list(rows) == ["transcription", "tts", "evaluation"]
    expected = {"waiting": 0, "active": 1, "delayed": 1, "failed": 0, "completed": 0, "workers": 1}
    assert rows["tts"].items() >= expected.items()
    assert rows["tts"].items() >= {"rateLimit": "10/60", "paused": False, "heldMs": 0}.items()
    tts.pause()
    table = run("queues").stdout.splitlines()
    assert table[0].split() == (
        ["QUEUE", "WAITING", "ACTIVE", "DELAYED", "FAILED", "COMPLETED", "WORKERS", "LIMIT", "GATE"]
    )
    assert table[2].split() == ["tts", "0", "1", "1", "0", "0", "1", "10/60", "paused"]


def test_config_option_before_or_after_the_command_reads_the_file(
    run: Run, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_text("KEY_PREFIX=from-file\n", encoding="utf-8")
    for words in (["--config", str(file), "enqueue"], ["enqueue", "--config", str(file)]):
        assert run(*words, "tts", "{}", KEY_PREFIX="").returncode == 0
    other = Queue("tts", Redis.from_url(redis_url), "from-file")
    assert other.counts().waiting == 2


def test_run_with_a_wrong_configuration_names_every_wrong_variable(run: Run) -> None:
    started = run(REDIS_PORT="many", REDIS_URL="", TTS_RATE_LIMIT="fast", LOG_LEVEL="loud")
    assert started.returncode == 78
    named = [line.removeprefix("preppath-workers: ").split()[0] for line in started.stderr.splitlines()]
    assert sorted(named) == (
        ["DATABASE_URL", "LOG_LEVEL", "OPENAI_API_KEY", "REDIS_PORT", "S3_BUCKET", "TTS_RATE_LIMIT"]
    )


def test_queues_without_redis_is_one_line_and_exit_code_69(run: Run) -> None:
    shown = run("queues", REDIS_URL="redis://127.0.0.1:9")
    assert shown.returncode == 69
    assert len(shown.stderr.splitlines()) == 1
    assert "Redis does not answer" in shown.stderr


@pytest.mark.parametrize("command", ["run", "enqueue", "status", "queues", "init-db"])
def test_help_of_a_command_has_examples_and_exit_codes(run: Run, command: str) -> None:
    shown = run(command, "--help")
    assert shown.returncode == 0
    assert "exit codes" in shown.stdout
    assert "example" in shown.stdout


def test_command_line_on_import_loads_no_vendor_library() -> None:
    code = (
        "import sys, preppath_workers.cli.program; print(*{'openai', 'boto3', 'psycopg2'} & set(sys.modules))"
    )
    seen = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert seen.stdout.split() == []


def test_queue_option_with_another_command_is_refused(run: Run) -> None:
    refused = run("--queue", "tts", "status", "tts", "x")
    assert refused.returncode == 2
    assert "--queue chooses which workers to start" in refused.stderr


def test_web_on_a_port_in_use_says_so_in_one_line(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("web", "--port", str(port))
    problem = f"cannot listen on 127.0.0.1:{port}: [Errno 98] Address already in use"
    assert (done.returncode, done.stderr) == (69, f"web: {problem}\n")
