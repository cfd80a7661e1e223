"""Each handler is killed after each of its steps in turn: the job completes with one effect, and each
answer is paid for once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from psycopg2.extras import RealDictCursor
from redis import Redis

from preppath_workers import Queue
from preppath_workers.clients.postgres.schema import create_missing
from tests.conftest import ExternalServer
from tests.fake_openai.application import RESPONSES
from tests.fake_openai.control import OpenAIServer
from tests.support.interview import add_interview
from tests.support.s3 import S3Server
from tests.support.speech import synthesize
from tests.support.waiting import eventually

from .harness import App, state_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = [pytest.mark.processes, pytest.mark.long, pytest.mark.timeout(300)]

SPOKEN = "A hash table finds a key in constant time."
#: So long that it takes two requests.
LONG = "What is an index, and when would you rather not have one? " * 7

JOBS: dict[str, tuple[str, dict[str, Any], str]] = {
    "transcription": ("transcription", {"recordingId": "r1", "userId": "u1"}, "/v1/audio/transcriptions"),
    "tts in two requests": ("tts", {"questionId": "q1", "text": LONG, "speed": 1.5}, RESPONSES),
    "evaluation": (
        "evaluation",
        {"questionId": "q1", "interviewId": "i1", "userId": "u1", "answer": SPOKEN},
        "/v1/chat/completions",
    ),
}


@dataclass
class KillableApp:
    """A running supervisor with real servers, whose workers can be ordered to die."""

    folder: Path
    app: App
    redis: Redis
    prefix: str
    database: Any
    vendor: OpenAIServer

    def run(self, queue_name: str, data: dict[str, Any], job_id: str, kill_after: int | None) -> list[str]:
        """Run a job to its end; return the steps that all its attempts took."""
        (self.folder / "steps").write_text("", encoding="utf-8")
        if kill_after:
            (self.folder / "at").write_text(str(kill_after), encoding="utf-8")
        queue = Queue(queue_name, self.redis, self.prefix)
        queue.enqueue(data, id=job_id)
        eventually(lambda: state_of(queue, job_id) in ("completed", "failed"), deadline=60)
        job = queue.get(job_id)
        assert job is not None
        assert job.state == "completed", job.error
        assert (job.recoveries, job.failures) == (1 if kill_after else 0, 0)
        return (self.folder / "steps").read_text(encoding="utf-8").split()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.database, self.database.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def reset(self) -> None:
        """Restore the state before the job: nothing transcribed, spoken, evaluated or paid."""
        self.vendor.reset()
        with self.database, self.database.cursor() as cursor:
            cursor.execute("UPDATE interview_recordings SET transcribed = false, transcription = NULL")
            cursor.execute('UPDATE interview_questions SET "audioUrl" = NULL, "userAnswer" = NULL')
            cursor.execute("DELETE FROM answer_feedback")


@pytest.fixture
def killable_app(
    tmp_path: Path,
    redis: Redis,
    redis_url: str,
    key_prefix: str,
    database_url: str,
    s3_server: S3Server | ExternalServer,
    s3: S3Client,
    bucket: str,
    vendor: OpenAIServer,
) -> Iterator[KillableApp]:
    s3.put_object(Bucket=bucket, Key="r1.wav", Body=synthesize(SPOKEN).wav_bytes(SPOKEN))
    environment = {
        "REDIS_URL": redis_url,
        "KEY_PREFIX": key_prefix,
        "DATABASE_URL": database_url,
        "S3_ENDPOINT": s3_server.endpoint,
        "S3_BUCKET": bucket,
        "S3_ACCESS_KEY_ID": "test",
        "S3_SECRET_ACCESS_KEY": "test",
        "OPENAI_API_KEY": "sk-test-key",
        "OPENAI_BASE_URL": vendor.base_url,
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "debug",
        "KILL_FOLDER": str(tmp_path),
        **{f"{name}_CONCURRENCY": "1" for name in ("TRANSCRIPTION", "TTS", "EVALUATION")},
        **{f"{name}_RATE_LIMIT": "none" for name in ("TRANSCRIPTION", "TTS", "EVALUATION")},
    }
    with closing(psycopg2.connect(database_url)) as database:
        with database, database.cursor(cursor_factory=RealDictCursor) as cursor:
            create_missing(cursor)
            add_interview(cursor)
        app = App(tmp_path, environment, module="tests.integration.worker.killing_app").start()
        yield KillableApp(tmp_path, app, redis, key_prefix, database, vendor)
        app.kill()


@pytest.mark.parametrize(
    "job_name",
    [
        "evaluation",
        *(pytest.param(name, marks=pytest.mark.trial) for name in ("transcription", "tts in two requests")),
    ],
)
def test_handler_killed_after_any_of_its_steps_completes_with_one_effect_and_one_payment(
    killable_app: KillableApp, s3: S3Client, bucket: str, job_name: str
) -> None:
    queue_name, data, path = JOBS[job_name]
    steps = killable_app.run(queue_name, data, "undisturbed", kill_after=None)
    requests = len(killable_app.vendor.calls(path))
    assert len(steps) >= 3
    for number, step in enumerate(steps, 1):
        killable_app.reset()
        for found in s3.list_objects_v2(Bucket=bucket, Prefix="tts/").get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=found["Key"])
        taken = killable_app.run(queue_name, data, f"killed-{number}", kill_after=number)
        where = f"killed after step {number}, {step}"
        assert taken[:number] == steps[:number], where
        assert len(killable_app.vendor.calls(path)) == requests, where
        if queue_name == "transcription":
            rows = killable_app.rows("SELECT transcribed, transcription FROM interview_recordings")
            assert rows == [(True, SPOKEN)], where
        elif queue_name == "tts":
            (url,) = killable_app.rows('SELECT "audioUrl" FROM interview_questions')[0]
            assert "tts/q1.mp3" in url, where
            stored = s3.list_objects_v2(Bucket=bucket, Prefix="tts/")["Contents"]
            assert [found["Key"] for found in stored] == ["tts/q1.mp3"], where
        else:
            assert killable_app.rows('SELECT "jobId" FROM answer_feedback') == [(f"killed-{number}",)], where
            assert killable_app.rows('SELECT "userAnswer" FROM interview_questions') == [(SPOKEN,)], where
