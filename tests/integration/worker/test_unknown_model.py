"""Workers whose vendor does not know the configured model and says so without a code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extras import RealDictCursor
from redis import Redis

from preppath_workers import NewJob, Queue
from preppath_workers.clients.postgres.schema import create_missing
from tests.fake_openai.control import OpenAIServer
from tests.support.interview import add_interview
from tests.support.waiting import eventually

from .harness import App

pytestmark = [pytest.mark.processes, pytest.mark.long]


@pytest.fixture
def app(tmp_path: Path, database_url: str, evaluation_environment: dict[str, str]) -> Iterator[App]:
    connecting = closing(psycopg2.connect(database_url, cursor_factory=RealDictCursor))
    with connecting as connection, connection, connection.cursor() as cursor:
        create_missing(cursor)
        add_interview(cursor)
    environment = {**evaluation_environment, "EVALUATION_CONCURRENCY": "2", "PROBE_SECONDS": "1"}
    app = App(tmp_path, environment, module="tests.integration.worker.killing_app")
    yield app
    app.kill()


def test_unknown_model_of_a_vendor_that_names_no_reason_costs_no_job(
    app: App, redis: Redis, key_prefix: str, vendor: OpenAIServer
) -> None:
    unknown = {"status": 400, "code": "400", "type": "None", "param": "None", "message": "Invalid model name"}
    vendor.order({**unknown, "path": "/v1/chat/completions", "times": 6})
    queue = Queue("evaluation", redis, key_prefix)
    data = {"questionId": "q1", "interviewId": "i1", "userId": "u1", "answer": "Because work can wait."}
    queue.enqueue_many(NewJob(data, f"j{number}") for number in range(12))
    app.start()
    (line, *_) = eventually(lambda: app.logged("Queue is out of service"), deadline=30)
    assert line["reason"].endswith("no request of this worker to model gpt-6-luna has succeeded")
    eventually(lambda: queue.counts().completed == 12, deadline=60)
    assert queue.counts().failed == 0
    assert all(job.failures == 0 for job in queue.get_many([f"j{number}" for number in range(12)]) if job)
