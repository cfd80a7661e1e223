"""The environment of the demo: a temporary folder, the servers, the supervisor, and clients for them."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from preppath_workers.clients.postgres.schema import create_missing
from preppath_workers.clients.services import Services
from preppath_workers.config import load
from preppath_workers.config.model import Config
from preppath_workers.jobs import JOB_TYPES
from preppath_workers.queue import Queue
from preppath_workers.store.connections import connection
from tests.support.postgres import PostgresServer
from tests.support.process import Server, ServerFailed
from tests.support.redis import RedisServer
from tests.support.s3 import S3Server

from .interview import INTERVIEW, QUESTIONS, USER
from .provider import Provider
from .workers import Workers

BUCKET = "preppath-demo"

#: The S3 server accepts any credentials. Logs mask them, so they must not be words that a log needs.
ACCESS_KEY, SECRET_KEY = "demo-access-key", "demo-secret-key"


class Environment:
    """The servers and the supervisor, within `running`."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self.folder = folder
        self.redis, self.postgres, self.s3 = RedisServer(), PostgresServer(), S3Server()
        self.provider = provider
        self._launched: list[Server] = []

    @property
    def config_file(self) -> Path:
        return self.folder / ".env"

    @cached_property
    def config(self) -> Config:
        """The configuration that the supervisor reads."""
        variables = load.read_environment(self.config_file)
        return load.load(variables, [job_type.defaults for job_type in JOB_TYPES])

    @cached_property
    def services(self) -> Services:
        """The demo's own database and bucket clients."""
        return Services(self.config)

    @cached_property
    def queues(self) -> dict[str, Queue]:
        """The queues by name."""
        client = connection.client(self.config.redis.url)
        return {queue.name: Queue(queue.name, client) for queue in self.config.queues}

    @cached_property
    def workers(self) -> Workers:
        """The supervisor."""
        directory = self.folder / "workers"
        directory.mkdir()
        wanted = {self.queues[queue.name]: queue.concurrency for queue in self.config.queues}
        return Workers(self.config_file, directory, wanted)

    def start(self) -> None:
        """Start the servers in parallel, store the interview's rows, then start the workers. Raises
        ServerFailed."""
        servers: list[Server] = [self.redis, self.postgres, self.s3]
        if self.provider.server:
            servers.append(self.provider.server)
        for server in servers:
            self._launch(server)
        for server in servers:
            server.wait_until_ready()
        self._write_config()
        self._create_rows_and_bucket()
        self._launch(self.workers)
        self.workers.wait_until_ready()

    def check(self) -> None:
        """Raise ServerFailed if a server or the supervisor has ended by itself."""
        for server in self._launched:
            if server.is_started and os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                raise ServerFailed(f"{type(server).__name__} ended:\n{server.log_end()}")

    def stop(self) -> None:
        """Stop the supervisor, then the servers."""
        with ExitStack() as stack:  # continues if one of them fails
            for server in self._launched:
                stack.callback(server.stop)

    def log_end(self, lines: int) -> Sequence[str]:
        """Return the last lines of the supervisor's log."""
        log = self.folder / "workers" / "server.log"
        return log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:] if log.exists() else []

    def _launch(self, server: Server) -> None:
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
            # With the defaults, 5 and 20 starts a minute, most jobs would wait.
            "TRANSCRIPTION_RATE_LIMIT": "none",
            "EVALUATION_RATE_LIMIT": "none",
            # At most 2 s from OpenAI's return to the next probe, instead of 30.
            "PROBE_SECONDS": "2",
            "LOG_FORMAT": "text",
            **self.provider.variables,
        }
        lines = (f"{name}={value}\n" for name, value in variables.items())
        self.config_file.touch(mode=0o600)
        self.config_file.write_text("".join(lines), encoding="utf-8")

    def _create_rows_and_bucket(self) -> None:
        self.s3.client().create_bucket(Bucket=BUCKET)
        with self.services.database.transaction() as cursor:
            create_missing(cursor)
            cursor.execute('INSERT INTO interviews ("id", "userId") VALUES (%s, %s)', [INTERVIEW, USER])
            for number, question in enumerate(QUESTIONS, 1):
                cursor.execute(
                    'INSERT INTO interview_questions ("id", "interviewId", "order", question, '
                    '"expectedAnswer") VALUES (%s, %s, %s, %s, %s)',
                    [question.id, INTERVIEW, number, question.text, question.expected],
                )


class Interrupted(BaseException):
    """A signal asked the demo to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def running(provider: Provider) -> Iterator[Environment]:
    """Provide the environment; stop every process and remove every file at the end.

    The first SIGINT, SIGTERM or SIGHUP raises Interrupted. Later ones are ignored, because an interrupted
    stop would leave processes running.
    """
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def ignore_signals() -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)

    def interrupt(number: int, frame: object) -> None:
        ignore_signals()
        raise Interrupted(number)

    for number in signals:
        signal.signal(number, interrupt)
    with tempfile.TemporaryDirectory(prefix="preppath-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL, which runs as another user for root, must pass through
        tempfile.tempdir = os.environ["TMPDIR"] = name
        environment = Environment(provider, folder)
        try:
            yield environment
        finally:
            ignore_signals()
            environment.stop()
