"""The real command with its real handlers and some hundred hostile entries, files that aren't
recordings, and jobs with edited hashes. Each is accounted for, no worker dies, and no secret reaches the log
or Redis."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from preppath_workers import NewJob, Queue
from preppath_workers.clients.postgres.client import Database
from preppath_workers.clients.postgres.schema import create_missing
from preppath_workers.store.keys import Keys
from tests.fake_openai.control import OpenAIServer
from tests.integration.worker.harness import is_alive
from tests.support.forked import ForkedProcess
from tests.support.receiver import receiver
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .edits import EDITS
from .entries import encoded, hostile, malformed
from .recordings import RECORDINGS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = [pytest.mark.processes, pytest.mark.long, pytest.mark.timeout(180)]

VALID: dict[str, dict[str, Any]] = {
    "transcription": {"recordingId": "r1", "userId": "u1"},
    "tts": {"questionId": "q1", "text": "Why?"},
    "evaluation": {"questionId": "q1", "interviewId": "i1", "userId": "u1", "answer": "Because."},
    "webhook": {"event": "completed", "queue": "tts", "jobId": "j1", "at": 1_000},
}
SECRETS = {
    "OPENAI_API_KEY": "sk-canary-openai",
    "S3_ACCESS_KEY_ID": "canary-s3-id",
    "S3_SECRET_ACCESS_KEY": "canary-s3-secret",
    "WEBHOOK_SECRET": "canary-webhook-secret",
    "REDIS_PASSWORD": "canary-redis",
    "token": "canary-token",
}


@pytest.fixture
def redis() -> Iterator[Redis]:
    """A server with a password; answers are bytes. Scripts that read hostile entries may keep it busy."""
    with (
        RedisServer(settings={"requirepass": SECRETS["REDIS_PASSWORD"]}) as server,
        Redis.from_url(server.url, socket_timeout=60) as client,
    ):
        yield client


@pytest.fixture
def environment(
    redis: Redis, database_url: str, s3: S3Client, bucket: str, vendor: OpenAIServer
) -> Iterator[dict[str, str]]:
    """The command's variables: servers with a question, an interview and the recordings."""
    with Database(database_url).transaction() as cursor:
        create_missing(cursor)
        cursor.execute('INSERT INTO interviews ("id", "userId") VALUES (%s, %s)', ["i1", "u1"])
        cursor.execute(
            'INSERT INTO interview_questions ("id", "interviewId", question) VALUES (%s, %s, %s)',
            ["q1", "i1", "Why?"],
        )
        for name, content in {"r1": b"", **RECORDINGS}.items():
            s3.put_object(Bucket=bucket, Key=name, Body=content)
            cursor.execute(
                'INSERT INTO interview_recordings ("id", "userId", filename, "originalName", "mimeType") '
                "VALUES (%s, %s, %s, %s, %s)",
                [name, "u1", name, "../\r\n.wav", "audio/wav\r\nX-Injected: yes"],
            )
    server = redis.connection_pool.connection_kwargs
    queues = {f"{name.upper()}_RETRIES": "0" for name in VALID}
    queues |= {f"{name.upper()}_RATE_LIMIT": "none" for name in VALID}
    queues |= {f"{name.upper()}_CONCURRENCY": "2" for name in VALID}
    with receiver() as receives:
        yield {
            **SECRETS,
            **queues,
            "REDIS_HOST": server["host"],
            "REDIS_PORT": str(server["port"]),
            "OPENAI_BASE_URL": vendor.base_url,
            "S3_BUCKET": bucket,
            "S3_ENDPOINT": s3.meta.endpoint_url,
            "DATABASE_URL": database_url,
            "WEBHOOK_URL": f"{receives.url}/?token={SECRETS['token']}",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "debug",
        }


@dataclass(frozen=True)
class Command:
    """The running command and its log."""

    log: Path

    def lines(self, *messages: str) -> list[dict[str, Any]]:
        """Return the log lines with one of these messages, or all. Each line is one JSON object."""
        found = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [line for line in found if not messages or line["message"] in messages]


@contextmanager
def running(environment: Mapping[str, str], log: Path) -> Iterator[Command]:
    """Run `python -m preppath_workers` until the block ends, and check that it stops cleanly."""
    process = ForkedProcess("preppath_workers", (), {**os.environ, **environment}, log)
    try:
        eventually(lambda: log.exists() and Command(log).lines("Supervisor started"), deadline=30)
        yield Command(log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()


@pytest.mark.parametrize("part", [9, pytest.param(1, marks=pytest.mark.trial)], ids=["some", "all"])
def test_workers_with_hostile_input_account_for_every_entry(
    environment: dict[str, str], redis: Redis, tmp_path: Path, part: int
) -> None:
    """`part`: of how many entries, edits and recordings one is used."""
    random = Random(20_261_124)
    pushed = {name: hostile(valid, random) for name, valid in VALID.items()}
    pushed["tts"] += malformed(VALID["tts"], random)
    pushed = {name: [*entries[::part], encoded(VALID[name])] for name, entries in pushed.items()}
    with running(environment, tmp_path / "log") as command:
        edit_jobs(Queue("evaluation", redis), [*EDITS][::part])
        for name, entries in pushed.items():
            for entry in entries:
                redis.lpush(Keys("preppath", name).wait, entry)
        Queue("transcription", redis).enqueue_many(
            NewJob({"recordingId": name, "userId": "u1"}, id=f"recording-{name}")
            for name in [*RECORDINGS][::part]
        )

        def are_drained() -> bool:
            for name in pushed:
                make_old(redis, name)
            return all(is_drained(redis, name) for name in pushed)

        eventually(are_drained, deadline=120, every=0.1)
        assert all(is_alive(line["processPid"]) for line in command.lines("Process started"))

    for name, entries in pushed.items():
        assert_accounted_for(redis, Keys("preppath", name), entries)
    assert_no_unexpected_warning(command)
    assert_no_secret_is_stored_or_logged(command, redis)


def edit_jobs(queue: Queue, names: Sequence[str]) -> None:
    """Enqueue a job for each of these edits and apply it before any of them starts."""
    queue.pause()
    queue.enqueue_many(NewJob(VALID[queue.name], id=f"edited-{name}") for name in names)
    for name in names:
        EDITS[name](queue.redis, queue.keys.job(f"edited-{name}"))
    queue.resume()


def make_old(redis: Redis, name: str) -> None:
    """Make the delayed jobs due, and so old that what they name is no longer looked for."""
    keys = Keys("preppath", name)
    for job_id in redis.zrange(keys.delayed, 0, -1):
        redis.hset(keys.job(job_id.decode()), "createdAt", 1)
        Queue(name, redis).promote(job_id.decode())


def is_drained(redis: Redis, name: str) -> bool:
    keys = Keys("preppath", name)
    # At one moment: a job that is looked at may go back to where it was not seen.
    with redis.pipeline() as pipeline:
        pipeline.exists(keys.wait, keys.delayed, keys.events)
        pipeline.keys(f"{keys.base}active:*")
        return not any(pipeline.execute())


def assert_accounted_for(redis: Redis, keys: Keys, entries: list[bytes]) -> None:
    """Check that each entry is the data of one job, and that each job has ended and is in the right list."""
    ids = [key.decode().removeprefix(keys.job("")) for key in redis.scan_iter(keys.job("*"), count=1_000)]
    jobs = {job_id: redis.hgetall(keys.job(job_id)) for job_id in ids}
    raw = Counter(job[b"data"] for job_id, job in jobs.items() if job_id.startswith("raw-"))
    # An id without a hash is an entry like any other.
    gone = [b"edited-deleted", b"edited-expired"] if keys.queue == "evaluation" else []
    assert raw == Counter([*entries, *gone])
    dead = [entry.decode() for entry in redis.lrange(keys.dead, 0, -1)]
    assert sorted(dead) == sorted(job_id for job_id, job in jobs.items() if job[b"state"] == b"failed")
    assert {job[b"state"] for job in jobs.values()} == {b"failed", b"completed"}
    reasons = {job[b"reason"] for job in jobs.values() if job[b"state"] == b"failed"}
    assert reasons <= {b"invalid", b"malformed", b"permanent", b"retries"}


def assert_no_unexpected_warning(command: Command) -> None:
    loud = [line for line in command.lines() if line["level"] in ("warning", "error", "critical")]
    unexpected = {line["message"] for line in loud} - {
        "Job failed permanently",
        "Job released",
        "Checkpoint is missing or damaged, running its step again",
        # A busy machine may answer late.
        "Step failed, retrying",
        "Redis does not answer, retrying",
    }
    assert not unexpected, [line for line in loud if line["message"] in unexpected][:3]
    assert max(map(len, command.log.read_bytes().splitlines())) < 20_000, (
        "lines short enough for log collectors"
    )


def assert_no_secret_is_stored_or_logged(command: Command, redis: Redis) -> None:
    log = command.log.read_bytes()
    jobs = [redis.hgetall(key) for key in redis.scan_iter("preppath:*:job:*", count=1_000)]
    stored = b"\n".join(value for job in jobs for value in job.values())
    for name, secret in SECRETS.items():
        assert secret.encode() not in log
        # The key id is part of every signed URL, which is a result.
        assert name == "S3_ACCESS_KEY_ID" or secret.encode() not in stored
