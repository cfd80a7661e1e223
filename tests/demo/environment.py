"""The environment of the demo: a temporary folder, the servers, the supervisor, and clients for them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from preppath_workers.clients.services import Services
from preppath_workers.config import load
from preppath_workers.config.model import Config
from preppath_workers.jobs import JOB_TYPES
from preppath_workers.queue import Queue
from preppath_workers.store import connection
from tests.fake_openai.control import OpenAIServer
from tests.support.postgres import PostgresServer
from tests.support.process import Server, ServerFailed
from tests.support.redis import RedisServer
from tests.support.s3 import S3Server

from .interrupts import Interrupts
from .workers import Workers

if TYPE_CHECKING:  # the stubs are a development dependency
    from mypy_boto3_s3 import S3Client

BUCKET = "preppath-demo"

#: The S3 server accepts any credentials. Logs mask them, so they must not be words that a log needs.
ACCESS_KEY, SECRET_KEY = "demo-access-key", "demo-secret-key"

#: Least seconds of each response of the OpenAI-compatible server, so that running jobs can be seen.
LATENCY = 1.8


#: Prefixes of the variables that the product, libpq and boto3 read.
_OURS = (
    *("REDIS_", "DATABASE_", "S3_", "AWS_", "PG"),
    *("TRANSCRIPTION_", "TTS_", "EVALUATION_", "QUEUES", "KEY_PREFIX"),
    *("LOG_", "LEASE_", "SHUTDOWN_", "MAX_MEMORY_", "MAX_JOBS_", "KEEP_COMPLETED_"),
)

_OPENAI = "OPENAI_"


def enter_sandbox() -> Collection[str]:
    """Remove these variables from this process, as they would override the demo's `.env`; return their names.
    OpenAI's variables stay if there is a key."""
    foreign = _OURS if os.environ.get("OPENAI_API_KEY") else (*_OURS, _OPENAI)
    taken = [name for name in os.environ if name.startswith(foreign)]
    for name in taken:
        del os.environ[name]
    # A proxy may lead to OpenAI, never to loopback.
    for name in ("NO_PROXY", "no_proxy"):
        direct = filter(None, [os.environ.get(name), "127.0.0.1,localhost"])
        os.environ[name] = ",".join(direct)
    return taken


class Environment:
    """The servers and workers: `serve` and `work` start them, `close` stops them."""

    def __init__(self, interrupts: Interrupts) -> None:
        """Make the folder, and let all processes put their temporary files there."""
        self._interrupts = interrupts
        self.folder = Path(tempfile.mkdtemp(prefix="preppath-demo-"))
        self.folder.chmod(0o711)  # PostgreSQL, which runs as another user for root, must pass through
        tempfile.tempdir = os.environ["TMPDIR"] = str(self.folder)
        self.redis = RedisServer()
        self.postgres = PostgresServer()
        #: None when OpenAI itself is used.
        self.openai = None if os.environ.get("OPENAI_API_KEY") else OpenAIServer(latency=LATENCY)
        self.s3 = S3Server()
        self._launched: list[Server] = []

    @property
    def config_file(self) -> Path:
        return self.folder / ".env"

    @cached_property
    def config(self) -> Config:
        """The configuration that the supervisor reads."""
        return load.load(
            load.read_environment(self.config_file), [job_type.defaults for job_type in JOB_TYPES]
        )

    @cached_property
    def services(self) -> Services:
        """The demo's own database and bucket clients. Do not use them after a fork."""
        return Services(self.config)

    @cached_property
    def queues(self) -> dict[str, Queue]:
        """The queues by name."""
        client = connection.client(self.config.redis.url)
        return {queue.name: Queue(queue.name, client) for queue in self.config.queues}

    @cached_property
    def workers(self) -> Workers:
        """The supervisor."""
        wanted = {self.queues[queue.name]: queue.concurrency for queue in self.config.queues}
        return Workers(self.config_file, self.log.parent, wanted)

    @property
    def log(self) -> Path:
        """The supervisor's log."""
        return self.folder / "workers" / "server.log"

    @cached_property
    def bucket(self) -> S3Client:
        """A boto3 client, to create the bucket and list its objects."""
        return boto3.client(
            "s3",
            endpoint_url=self.s3.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )

    def serve(self) -> Iterator[tuple[str, str]]:
        """Start the servers in parallel, and yield name and address of each as it is ready.

        Raises ServerFailed.
        """
        servers: list[tuple[str, Server, str]] = [
            ("Redis (Valkey)", self.redis, self.redis.url),
            ("PostgreSQL", self.postgres, self.postgres.url),
            ("S3 (moto)", self.s3, self.s3.endpoint),
        ]
        if self.openai:
            servers.append(("OpenAI-compatible", self.openai, self.openai.base_url))
        for _, server, _ in servers:
            self._launch(server)
        for name, server, address in servers:
            server.wait_until_ready()
            yield name, address
        self._write_config()

    def work(self) -> None:
        """Start the supervisor and return when its workers are ready. Raises ServerFailed."""
        self._launch(self.workers)
        self.workers.wait_until_ready()

    def check(self) -> None:
        """Raise ServerFailed if a server or the supervisor has ended."""
        for server in self._launched:
            if os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                raise ServerFailed(f"{type(server).__name__} ended:\n{server.log_end()}")

    def close(self) -> None:
        """Stop everything in reverse order, and remove the folder."""
        with ExitStack() as stack:  # continues if one of them fails
            stack.callback(shutil.rmtree, self.folder)
            for server in self._launched:
                stack.callback(server.stop)

    @property
    def exit_code(self) -> int | None:
        """The supervisor's exit code; None while it runs or if it never started."""
        return next((server.exit_code for server in self._launched if isinstance(server, Workers)), None)

    def _launch(self, server: Server) -> None:
        with self._interrupts.held():
            self._launched.append(server)
            server.launch()

    def _write_config(self) -> None:
        variables = {
            "REDIS_URL": self.redis.url,
            "DATABASE_URL": self.postgres.url,
            "S3_BUCKET": BUCKET,
            "S3_ENDPOINT": self.s3.endpoint,
            "S3_ACCESS_KEY_ID": ACCESS_KEY,
            "S3_SECRET_ACCESS_KEY": SECRET_KEY,
            "LOG_FORMAT": "text",
        }
        if self.openai:
            variables |= {"OPENAI_BASE_URL": self.openai.base_url, "OPENAI_API_KEY": "sk-any-key"}
        lines = (f"{name}={value}\n" for name, value in variables.items())
        self.config_file.write_text("".join(lines), encoding="utf-8")
