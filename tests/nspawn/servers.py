"""The servers that the units need, on the host's loopback, which the container shares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count

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
        """Return the variables of the units' environment file."""
        return {
            "REDIS_URL": self.redis.url,
            "DATABASE_URL": self.postgres.url,
            "S3_BUCKET": "trial",
            "S3_ENDPOINT": self.s3.endpoint,
            "S3_ACCESS_KEY_ID": "trial-access-key",
            "S3_SECRET_ACCESS_KEY": "trial-secret-key",
            "OPENAI_API_KEY": "sk-trial-key",
            "OPENAI_BASE_URL": self.vendor.base_url,
            "OPENAI_TTS_MODEL": "gpt-4o-mini-tts",  # one HTTP response, which faults can delay or enlarge
            "LEASE_SECONDS": "5",
            "SHUTDOWN_GRACE": "8",
            **{f"{name}_RATE_LIMIT": "none" for name in ("TRANSCRIPTION", "TTS", "EVALUATION")},
        }

    def queue(self, name: str) -> Queue:
        return Queue(name, Redis.from_url(self.redis.url, decode_responses=True))

    def redis_keys(self) -> list[str]:
        """Return all keys in Redis."""
        with Redis.from_url(self.redis.url, decode_responses=True) as client:
            return sorted(client.scan_iter())

    def add_rows(self) -> None:
        """Add one interview with a question and a recording. The tables must exist."""
        spoken = "A hash table finds a key in constant time."
        self.s3.client().put_object(Bucket="trial", Key="r1.wav", Body=synthesize(spoken).wav_bytes(spoken))
        with closing(psycopg2.connect(self.postgres.url)) as database, database, database.cursor() as cursor:
            add_interview(cursor)

    def one_of_each(self) -> dict[str, str]:
        """Add a job to each queue; return the ids by queue."""
        data = {
            "transcription": {"recordingId": "r1", "userId": "u1"},
            "tts": {"questionId": "q1", "text": "What is an index?"},
            "evaluation": {"questionId": "q1", "interviewId": "i1", "userId": "u1", "answer": "A tree."},
        }
        return {name: self.queue(name).enqueue(each, id=f"first-{name}").id for name, each in data.items()}

    def speech(self, seconds: float = 0, **fault: object) -> str:
        """Add a job to the queue tts for which the vendor answers late or fails, once; return its id."""
        number = next(self._numbers)
        if seconds or fault:
            self.vendor.order({"path": SPEECH, "latency": seconds, **fault})
        data = {"questionId": "q1", "text": f"What is index number {number}?"}
        return self.queue("tts").enqueue(data, id=f"job-{number}").id


@contextmanager
def servers() -> Iterator[Servers]:
    """Run all servers."""
    # With AOF, so that it keeps its data when it is killed.
    redis = RedisServer(settings={"appendonly": "yes", "appendfsync": "always"})
    running_servers = Servers(redis, PostgresServer(), S3Server(), OpenAIServer(), count(1))
    with running(running_servers.redis, running_servers.postgres, running_servers.s3, running_servers.vendor):
        running_servers.s3.client().create_bucket(Bucket="trial")
        yield running_servers
