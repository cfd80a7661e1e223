"""PostgreSQL that is lost at any message of a job: each job ends as if it had been there, and pays once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from preppath_workers.clients.services import Services
from preppath_workers.errors import ServiceError
from preppath_workers.jobs import evaluation, transcription, tts
from preppath_workers.registry import JobContext
from preppath_workers.testing import FakeContext
from tests.fake_openai.control import OpenAIServer
from tests.support.wav import Wav

from .conftest import EVALUATION, LONG_AGO, Tables

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Handle = Callable[[JobContext, Services], Mapping[str, Any]]


class Cutter:
    """A proxy that cuts the connection at the nth message of a client, once: instead of forwarding it, or in
    place of its answer."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        #: Messages until the cut; None for no cut.
        self.left: int | None = None
        self.loses_answer = False
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server, suppress(OSError):
            answers = threading.Thread(target=_forward, args=(server, client), daemon=True)
            answers.start()
            while message := client.recv(65_536):
                if self.left is not None:
                    self.left -= 1
                    if self.left < 0:
                        self.left = None
                        if self.loses_answer:
                            client.shutdown(socket.SHUT_RDWR)
                            server.sendall(message)
                        break
                server.sendall(message)
            server.shutdown(socket.SHUT_WR)
            answers.join()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)


@pytest.fixture
def cutter(shared_database_url: str) -> Iterator[Cutter]:
    parts = urlsplit(shared_database_url)
    assert parts.hostname
    made = Cutter((parts.hostname, parts.port or 5432))
    yield made
    made.close()


@pytest.mark.parametrize(
    "loses_answer",
    [pytest.param(False, marks=pytest.mark.trial), True],
    ids=["request lost", "answer lost"],
)
@pytest.mark.parametrize(
    ("handle", "data"),
    [
        (evaluation.handle, EVALUATION),
        (transcription.handle, {"recordingId": "r1", "userId": "u1"}),
        (tts.handle, {"questionId": "q1", "text": "Why queues?"}),
    ],
    ids=["evaluation", "transcription", "tts"],
)
def test_job_that_loses_postgresql_at_any_message_ends_as_without_that_and_pays_once(
    make_services: Callable[..., Services],
    shared_database_url: str,
    cutter: Cutter,
    tables: Tables,
    s3: S3Client,
    bucket: str,
    vendor: OpenAIServer,
    handle: Handle,
    data: dict[str, str],
    loses_answer: bool,
) -> None:
    parts = urlsplit(shared_database_url)
    user = parts.netloc.rpartition("@")[0]
    url = parts._replace(netloc=f"{user}@127.0.0.1:{cutter.port}" if user else f"127.0.0.1:{cutter.port}")
    services = make_services(DATABASE_URL=url.geturl())
    tables.insert("interviews", id="i1", userId="u1")
    s3.put_object(Bucket=bucket, Key="r1.wav", Body=Wav(b"\x00\x20\x00\xe0" * 4_000, 8_000).wav_bytes("Yes."))
    cutter.loses_answer = loses_answer

    failures = []
    for number in range(100):
        for table in ("answer_feedback", "interview_questions", "interview_recordings"):
            tables.run(f"DELETE FROM {table}")  # noqa: S608 - names of our own tables
        s3.delete_object(Bucket=bucket, Key="tts/q1.mp3")
        tables.insert(
            "interview_questions", id="q1", interviewId="i1", question="Why queues?", updatedAt=LONG_AGO
        )
        tables.insert("interview_recordings", id="r1", userId="u1", filename="r1.wav")
        context = FakeContext(data, id=f"job-{number}")
        cutter.left = number
        attempts = [context]
        try:
            handle(context, services)
        except ServiceError as error:
            failures.append((error.service, error.may_be_paid))
            attempts.append(context.again())
            handle(attempts[1], services)
        if cutter.left is not None:
            break
        assert sum(len(each.charges) for each in attempts) == 1
    assert len(failures) > 5
    assert {*failures} == {("postgresql", False)}
