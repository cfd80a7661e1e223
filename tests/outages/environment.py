"""The servers, the proxies before them, and the configuration of the workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from preppath_workers.clients.postgres.client import Database
from preppath_workers.clients.postgres.schema import TABLES, create_missing
from tests.fake_openai.control import OpenAIServer
from tests.support.interview import add_interview
from tests.support.postgres import PostgresServer
from tests.support.process import HOST, free_port
from tests.support.s3 import S3Server

from .clock import ClockedRedis
from .table import Case, Service
from .ways import Ways, open_ways

#: The workers' user and password in Redis and PostgreSQL.
USER, PASSWORD = "worker", "outage-password"

#: Seconds until the OpenAI stand-in answers.
LATENCY = 0.3

#: Seconds that the trial itself waits for Redis.
_PATIENCE = 3.0

_REDIS = {
    "save": "86400 1",  # without a schedule, a failing snapshot does not stop writes
    "enable-protected-configs": "yes",
    "busy-reply-threshold": "100",
}


@dataclass
class Environment:
    """The servers on which cases are played one after another. Workers reach them through the proxies in
    `ways`, the trial reaches them directly."""

    folder: Path
    openai: OpenAIServer
    s3: S3Server
    postgres: PostgresServer
    redis: ClockedRedis
    ways: Ways

    @contextmanager
    def ready(self, case: Case, job_ids: list[str]) -> Iterator[None]:
        """Start a new Redis, empty the tables and the list of OpenAI calls, and add the rows that jobs of
        these ids need."""
        self.openai.reset()
        self.s3.client().create_bucket(Bucket=self.bucket(case))
        self.sql(f"TRUNCATE {', '.join(TABLES)}")
        with (
            closing(psycopg2.connect(self.postgres.url)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            add_interview(cursor)
            for job_id in job_ids:
                cursor.execute(
                    'INSERT INTO interview_questions ("id", "interviewId", question) VALUES (%s, %s, %s)',
                    [job_id, "i1", "What is an index?"],
                )
        self.redis.has_clock = case.stops_nothing
        with self.redis:
            with self.admin() as client:
                client.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all")
            yield

    def variables(self, case: Case) -> dict[str, str]:
        """Return the workers' configuration: the defaults, without rate limits. If Redis's clock is wrong,
        one rate limit stays, since it depends on that clock, and is lower than the number of jobs."""
        ports = self.ways.ports
        return {
            "REDIS_URL": f"redis://{USER}:{PASSWORD}@{HOST}:{ports['redis']}",
            "DATABASE_URL": f"postgresql://{USER}:{PASSWORD}@{HOST}:{ports['postgresql']}/postgres",
            "S3_ENDPOINT": f"http://{HOST}:{ports['s3']}",
            "S3_BUCKET": self.bucket(case),
            "S3_ACCESS_KEY_ID": "outage-access-key",
            "S3_SECRET_ACCESS_KEY": "outage-secret-key",
            "OPENAI_BASE_URL": f"http://{HOST}:{ports['openai']}/v1",
            "OPENAI_API_KEY": "sk-outage",
            "QUEUES": case.queue,
            "EVALUATION_RATE_LIMIT": "10/5" if case.stops_nothing else "none",
            "TTS_RATE_LIMIT": "none",
            "TTS_CONCURRENCY": "5",
            "LOG_FORMAT": "json",
            "NO_PROXY": HOST,
            # A model may think for a minute by default; a vendor that stalls must be noticed earlier here.
            **({"EVALUATION_TIMEOUT": "20"} if (case.service, case.failure) == ("openai", "stalled") else {}),
        }

    def bucket(self, case: Case) -> str:
        return f"outage-{case.failure}-{case.length:g}".replace(" ", "-")

    def admin(self, patience: float | None = _PATIENCE) -> Redis:
        """Return a client of Redis, as the default user, that tries each command once and waits this long."""
        return Redis.from_url(
            self.redis.url, decode_responses=True, socket_timeout=patience, retry=Retry(NoBackoff(), 0)
        )

    def sql(self, *statements: str) -> None:
        """Run the statements as the superuser, each in a transaction of its own."""
        with closing(psycopg2.connect(self.postgres.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SET default_transaction_read_only = off")
                for statement in statements:
                    cursor.execute(statement)

    def require_passwords(self) -> None:
        """Create the tables and the workers' role, which needs its password."""
        with Database(self.postgres.url).transaction() as cursor:
            create_missing(cursor)
        rules = self.postgres.directory / "data" / "pg_hba.conf"
        rules.write_text(
            f"host all {USER} all scram-sha-256\n{rules.read_text(encoding='utf-8')}", encoding="utf-8"
        )
        self.sql(
            f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'",
            f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {USER}",
            "SELECT pg_reload_conf()",
        )


@contextmanager
def set_up(folder: Path) -> Iterator[Environment]:
    """Start the servers in parallel. Redis is started for each case."""
    openai, s3, postgres = OpenAIServer(latency=LATENCY), S3Server(), PostgresServer()
    redis = ClockedRedis(folder / "clock", port=free_port(), settings=_REDIS)
    ports: dict[Service, int] = {
        "openai": openai.port,
        "s3": s3.port,
        "postgresql": postgres.port,
        "redis": redis.port,
    }
    with ExitStack() as stack:
        for server in (openai, s3, postgres):
            stack.callback(server.stop)
            server.launch()
        for server in (openai, s3, postgres):
            server.wait_until_ready()
        environment = Environment(folder, openai, s3, postgres, redis, stack.enter_context(open_ways(ports)))
        environment.require_passwords()
        yield environment
