"""Jobs that are added before their row is committed, or before their file is uploaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from preppath_workers import Queue
from preppath_workers.clients.services import Services
from preppath_workers.jobs import JOB_TYPES
from preppath_workers.store.job import Job
from preppath_workers.testing import drain
from tests.fake_openai.control import OpenAIServer

from .conftest import EVALUATION, LONG_AGO, Tables
from .recording import AUDIO

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DATA: dict[str, dict[str, Any]] = {
    "evaluation": EVALUATION,
    "transcription": {"recordingId": "r1", "userId": "u1"},
    "tts": {"questionId": "q1", "text": "Why queues?"},
}

#: What is missing at first.
MISSING = {
    "evaluation": "question 'q1' does not exist",
    "transcription": "recording 'r1' does not exist",
    "tts": "question 'q1' does not exist",
}


#: Add the job of a queue; return the queue.
Add = Callable[[str], Queue]

#: Run the job, due or not, once; return it as it is then.
Run = Callable[[Queue], Job]


@pytest.fixture
def add(redis: Redis, key_prefix: str) -> Add:
    def added(name: str) -> Queue:
        queue = Queue(name, redis, key_prefix)
        queue.enqueue(DATA[name], id="j")
        return queue

    return added


@pytest.fixture
def run(services: Services) -> Run:
    types = {job_type.name: job_type for job_type in JOB_TYPES}

    def run_once(queue: Queue) -> Job:
        if queue.jobs("delayed"):
            queue.promote("j")
        (job,) = drain(queue, types[queue.name], services=services)
        return job

    return run_once


def add_a_minute(queue: Queue) -> None:
    queue.redis.hincrby(queue.keys.job("j"), "createdAt", -60_000)


def commit(tables: Tables) -> None:
    tables.insert("interviews", id="i1", userId="u1")
    tables.insert(
        "interview_questions", id="q1", interviewId="i1", question="Why queues?", updatedAt=LONG_AGO
    )
    tables.insert("interview_recordings", id="r1", userId="u1", filename="r1.wav")


def upload(s3: S3Client, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="r1.wav", Body=AUDIO)


@pytest.mark.parametrize("name", DATA)
def test_job_whose_row_is_committed_after_it_was_added_completes_uncounted(
    add: Add,
    run: Run,
    tables: Tables,
    s3: S3Client,
    bucket: str,
    vendor: OpenAIServer,
    name: str,
) -> None:
    upload(s3, bucket)
    queue = add(name)

    early = run(queue)

    assert (early.state, early.attempts, early.failures) == ("delayed", 0, 0)
    assert early.stage == f"{MISSING[name]} yet"
    assert vendor.calls() == []
    commit(tables)
    ended = run(queue)
    assert (ended.state, ended.attempts, ended.failures) == ("completed", 1, 0)
    assert ended.stage is None


@pytest.mark.parametrize("name", DATA)
def test_job_whose_row_is_missing_a_minute_after_it_was_added_fails_for_good(
    add: Add, run: Run, vendor: OpenAIServer, name: str
) -> None:
    queue = add(name)
    run(queue)
    add_a_minute(queue)

    ended = run(queue)

    assert (ended.state, ended.reason) == ("failed", "permanent")
    advice = "if it exists by now, replay the job; add jobs after the commit or upload"
    assert ended.error == {"class": "PermanentError", "message": f"{MISSING[name]}: {advice}"}
    assert vendor.calls() == []


def test_evaluation_whose_interview_is_committed_after_its_question_completes(
    add: Add, run: Run, tables: Tables, vendor: OpenAIServer
) -> None:
    commit(tables)
    tables.run("DELETE FROM interviews")
    queue = add("evaluation")

    assert run(queue).stage == "interview 'i1' does not exist yet"
    assert vendor.calls() == []
    tables.insert("interviews", id="i1", userId="u1")
    assert run(queue).state == "completed"


def test_transcription_of_a_file_that_is_uploaded_after_the_job_was_added_completes(
    add: Add, run: Run, tables: Tables, s3: S3Client, bucket: str
) -> None:
    commit(tables)
    queue = add("transcription")

    assert run(queue).state == "delayed"
    upload(s3, bucket)
    assert run(queue).state == "completed"


def test_transcription_whose_recording_gets_its_filename_after_the_job_was_added_completes(
    add: Add, run: Run, tables: Tables, s3: S3Client, bucket: str
) -> None:
    commit(tables)
    upload(s3, bucket)
    tables.run("UPDATE interview_recordings SET filename = ''")
    queue = add("transcription")

    assert run(queue).stage == "recording 'r1' has no filename yet"
    tables.run("UPDATE interview_recordings SET filename = 'r1.wav'")
    assert run(queue).state == "completed"


def test_replayed_job_whose_row_is_still_missing_fails_at_once(add: Add, run: Run) -> None:
    queue = add("tts")
    run(queue)
    add_a_minute(queue)
    run(queue)
    queue.replay(["j"])

    assert run(queue).state == "failed"


def test_raw_push_whose_row_is_missing_waits_and_fails_after_a_minute(
    redis: Redis, key_prefix: str, run: Run
) -> None:
    queue = Queue("tts", redis, key_prefix)
    redis.lpush(queue.keys.wait, json.dumps({"$id": "j", **DATA["tts"]}))

    assert run(queue).state == "delayed"
    add_a_minute(queue)
    assert run(queue).state == "failed"
