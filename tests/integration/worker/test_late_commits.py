"""A job whose producer commits its row after it has added the job, in a real worker process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import RealDictCursor
from redis import Redis

from preppath_workers import Queue
from preppath_workers.clients.postgres.schema import create_missing
from tests.fake_openai.control import OpenAIServer
from tests.support.interview import add_interview
from tests.support.waiting import eventually

from .harness import App, state_of

pytestmark = [pytest.mark.processes, pytest.mark.long]

ANSWER = {"questionId": "q1", "interviewId": "i1", "userId": "u1", "answer": "Because work can wait."}


@pytest.fixture
def database(database_url: str) -> Iterator[Any]:
    with closing(psycopg2.connect(database_url)) as connection:
        with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
            create_missing(cursor)
        yield connection


@pytest.fixture
def app(tmp_path: Path, database: Any, evaluation_environment: dict[str, str]) -> Iterator[App]:
    environment = {**evaluation_environment, "EVALUATION_CONCURRENCY": "1", "EVALUATION_RETRIES": "0"}
    app = App(tmp_path, environment, module="tests.integration.worker.killing_app").start()
    yield app
    app.kill()


def test_job_whose_row_is_committed_two_seconds_later_completes_and_is_paid_once(
    app: App, redis: Redis, key_prefix: str, database: Any, vendor: OpenAIServer
) -> None:
    queue = Queue("evaluation", redis, key_prefix)
    with database, database.cursor() as cursor:
        add_interview(cursor)
        queue.enqueue(ANSWER, id="j")
        time.sleep(2)  # what is tested: the transaction stays open
        assert vendor.calls() == []
    eventually(lambda: state_of(queue, "j") in ("completed", "failed"), deadline=30)
    job = queue.get("j")
    assert job is not None
    assert (job.state, job.attempts, job.failures) == ("completed", 1, 0), job.error
    assert job.releases >= 1
    assert len(vendor.calls("/v1/chat/completions")) == 1
    (first, *_) = app.logged("Job released")
    assert first["reason"] == "question 'q1' does not exist yet"
    assert not app.logged("Job failed permanently")
