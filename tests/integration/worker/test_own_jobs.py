"""Jobs of a module outside the package, run as its author runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from preppath_workers import JobFailed, Queue
from tests.support import forked
from tests.support.process import ROOT
from tests.support.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.long]

MODULE = """
from __future__ import annotations
from dataclasses import dataclass
from preppath_workers import JobContext, job

@dataclass
class Mail:
    to: str
    later: bool = False

snoozed = []

@job("mail", concurrency=2, retries=0)
def send(context: JobContext, data: Mail) -> dict[str, str]:
    if data.later and not snoozed:
        snoozed.append(context.id)
        context.progress(12.5, "waiting")
        context.snooze(0.5)
    return {"sent": data.to}
"""


@pytest.fixture
def environment(redis_url: str, key_prefix: str) -> dict[str, str]:
    return {**os.environ, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix, "LOG_LEVEL": "warning"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mails.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def mail(redis: Redis, key_prefix: str) -> Queue:
    return Queue("mail", redis, key_prefix)


@contextmanager
def running(folder: Path, environment: dict[str, str], *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [str(ROOT / "bin/preppath-workers"), "run", *words],
        cwd=folder, env=environment, text=True, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def test_own_jobs_of_a_module_run_with_their_data_decoded(
    folder: Path, environment: dict[str, str], mail: Queue
) -> None:
    with running(folder, environment, "mails"):
        assert mail.enqueue({"to": "ann"}).wait(60) == {"sent": "ann"}
        with pytest.raises(JobFailed, match=r"failed \(invalid\): InvalidJob: to must be text, not null"):
            mail.enqueue({"to": None}).wait(60)


def test_own_jobs_find_packages_run_whose_names_their_threads_may_use(
    folder: Path, environment: dict[str, str], mail: Queue
) -> None:
    seen = "import sys\n" + MODULE.replace(
        '"sent": data.to', '"sent": str("redis.asyncio.client" in sys.modules)'
    )
    (folder / "mails.py").write_text(seen.replace("from __future__ import annotations", ""), encoding="utf-8")
    with running(folder, environment, "mails"):
        assert mail.enqueue({"to": "ann"}).wait(60) == {"sent": "True"}


def test_own_job_that_snoozes_runs_again_later_and_uncounted(
    folder: Path, environment: dict[str, str], mail: Queue
) -> None:
    with running(folder, {**environment, "MAIL_CONCURRENCY": "1"}, "mails"):
        ref = mail.enqueue({"to": "ann", "later": True})
        snoozed = eventually(lambda: (job := ref.status()).state == "delayed" and job)
        assert (snoozed.attempts, snoozed.releases, snoozed.stage) == (0, 1, "waiting")
        assert snoozed.fields["progress"] == "12.5"
        assert ref.wait(60) == {"sent": "ann"}
        assert ref.status().stage is None


def test_jobs_variable_makes_every_command_know_the_queues(
    folder: Path, environment: dict[str, str], mail: Queue
) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return forked.run("preppath_workers", words, {**environment, "JOBS": "mails"}, folder)

    (folder / "mails.env").write_text("LOG_FORMAT=xml\n", encoding="utf-8")
    added = command("enqueue", "mail", '{"to": "ann"}')
    assert added.returncode == 0, added.stderr
    assert mail.counts().waiting == 1
    assert command("queues").stdout.splitlines()[1].split()[:2] == ["mail", "1"]
    assert [line.split(":")[0].split(None, 1)[1] for line in command("check").stdout.splitlines()][-2:] == [
        "mail data", "webhook data",
    ]  # fmt: skip
    assert added.stderr == "enqueue: no worker of queue mail is running; its jobs wait for one\n"
    unknown, misspelt = command("enqueue", "tts", "{}"), command("enqueue", "mial", "{}")
    assert (unknown.returncode, misspelt.returncode) == (2, 2)
    assert "there is no queue 'tts': expected mail, webhook" in unknown.stderr
    assert "expected mail, webhook (or set JOBS); did you mean mail?" in misspelt.stderr
    wrong = command("run", "--queue", "nowhere", "--queue", "mial", "--config", str(folder / "mails.env"))
    assert (wrong.returncode, [line.split(":")[1] for line in wrong.stderr.splitlines()]) == (
        78, [" there is no queue 'nowhere'", " there is no queue 'mial'", " LOG_FORMAT is wrong"],
    )  # fmt: skip


def test_run_with_burst_ends_when_no_job_is_left(
    folder: Path, environment: dict[str, str], mail: Queue
) -> None:
    refs = [mail.enqueue({"to": "ann", "later": number == 0}) for number in range(5)]
    mail.enqueue({"to": "ann"}, delay=3600)
    assert forked.run("preppath_workers", ["run", "mails", "--burst"], environment, folder).returncode == 0
    assert [ref.wait(0) for ref in refs] == [{"sent": "ann"}] * 5


def test_run_with_burst_and_a_paused_queue_logs_what_it_waits_for(
    folder: Path, environment: dict[str, str], mail: Queue
) -> None:
    ref = mail.enqueue({"to": "ann"})
    mail.pause()
    with running(folder, environment, "mails", "--burst") as process:
        assert process.stderr
        found = json.loads(process.stderr.readline())
        assert (found["message"], found["queue"]) == ("Waiting for jobs of paused queue", "mail")
        mail.resume()
        assert ref.wait(60) == {"sent": "ann"}
        assert process.wait(60) == 0


def test_run_with_watch_restarts_the_workers_when_the_code_changes(
    folder: Path, environment: dict[str, str], mail: Queue
) -> None:
    with running(folder, environment, "mails", "--watch"):
        assert mail.enqueue({"to": "ann"}).wait(60) == {"sent": "ann"}
        (folder / "mails.py").write_text("a mistake", encoding="utf-8")
        eventually(lambda: not mail.counts().workers)
        (folder / "mails.py").write_text(MODULE.replace('"sent"', '"delivered"'), encoding="utf-8")
        assert mail.enqueue({"to": "ann"}).wait(60) == {"delivered": "ann"}


def test_run_workers_does_what_the_command_does(
    folder: Path, environment: dict[str, str], mail: Queue
) -> None:
    program = """
import mails, signal
from preppath_workers.worker.run import run_workers
run_workers(mails, burst=True)
assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()), "the caller's signals are blocked"
"""
    ref = mail.enqueue({"to": "ann"})
    subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, check=True, timeout=60)
    assert ref.wait(0) == {"sent": "ann"}
