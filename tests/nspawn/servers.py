"""What the units need around them: servers on this machine's loopback, which the container sees too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import boto3
import psycopg2
from redis import Redis

from preppath_workers import Queue
from tests.fake_openai.control import OpenAIServer
from tests.support.interview import add_interview
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer
from tests.support.s3 import S3Server
from tests.support.servers import running
from tests.support.speech import synthesize

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SPEECH = "/v1/audio/speech"


@dataclass
class Servers:
    """The servers, and jobs for them."""

    redis: RedisServer
    postgres: PostgresServer
    s3: S3Server
    vendor: OpenAIServer
    _numbers: Iterator[int]

    def variables(self) -> dict[str, str]:
        """What the environment file of the units says."""
        return {
            "REDIS_URL": self.redis.url,
            "DATABASE_URL": self.postgres.url,
            "S3_BUCKET": "trial",
            "S3_ENDPOINT": self.s3.endpoint,
            "S3_ACCESS_KEY_ID": "trial-access-key",
            "S3_SECRET_ACCESS_KEY": "trial-secret-key",
            "OPENAI_API_KEY": "sk-trial-key",
            "OPENAI_BASE_URL": self.vendor.base_url,
            "OPENAI_TTS_MODEL": "gpt-4o-mini-tts",  # one HTTP answer, which faults can make late or large
            "LEASE_SECONDS": "5",
            "SHUTDOWN_GRACE": "8",
            **{f"{name}_RATE_LIMIT": "none" for name in ("TRANSCRIPTION", "TTS", "EVALUATION")},
        }

    def queue(self, name: str) -> Queue:
        return Queue(name, Redis.from_url(self.redis.url, decode_responses=True))

    def redis_keys(self) -> list[str]:
        """Everything that Redis holds."""
        with Redis.from_url(self.redis.url, decode_responses=True) as client:
            return sorted(client.scan_iter())

    def furnish(self) -> None:
        """One interview with a question and a recording, in tables that exist already."""
        spoken = "A hash table finds a key in constant time."
        self.storage().put_object(Bucket="trial", Key="r1.wav", Body=synthesize(spoken).wav_bytes(spoken))
        with closing(psycopg2.connect(self.postgres.url)) as database, database, database.cursor() as cursor:
            add_interview(cursor)

    def storage(self) -> S3Client:
        return boto3.client(
            "s3",
            endpoint_url=self.s3.endpoint,
            region_name="us-east-1",
            aws_access_key_id="trial-access-key",
            aws_secret_access_key="trial-secret-key",
        )

    def one_of_each(self) -> dict[str, str]:
        """A job for each queue; returns the ids by queue."""
        data = {
            "transcription": {"recordingId": "r1", "userId": "u1"},
            "tts": {"questionId": "q1", "text": "What is an index?"},
            "evaluation": {"questionId": "q1", "interviewId": "i1", "userId": "u1", "answer": "A tree."},
        }
        return {name: self.queue(name).enqueue(each, id=f"first-{name}").id for name, each in data.items()}

    def speech(self, seconds: float = 0, **fault: object) -> str:
        """A job of the queue tts whose vendor takes this long, or fails otherwise, once; returns its id."""
        number = next(self._numbers)
        if seconds or fault:
            self.vendor.order({"path": SPEECH, "latency": seconds, **fault})
        data = {"questionId": "q1", "text": f"What is index number {number}?"}
        return self.queue("tts").enqueue(data, id=f"job-{number}").id


@contextmanager
def servers() -> Iterator[Servers]:
    """All servers, running."""
    # With AOF, so that it keeps its data when it is killed.
    redis = RedisServer(settings={"appendonly": "yes", "appendfsync": "always"})
    running_servers = Servers(redis, PostgresServer(), S3Server(), OpenAIServer(), count(1))
    with running(running_servers.redis, running_servers.postgres, running_servers.s3, running_servers.vendor):
        running_servers.storage().create_bucket(Bucket="trial")
        yield running_servers
