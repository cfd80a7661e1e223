"""Answers that were paid for are kept while S3 does not accept them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ConnectionError as NoConnection

from preppath_workers import Queue
from preppath_workers.clients.openai.client import SpeechOptions
from preppath_workers.clients.openai.realtime import Reading, RealtimeReader
from preppath_workers.clients.s3.client import Storage
from preppath_workers.clients.services import Services
from preppath_workers.clients.usage import Meter
from preppath_workers.config.load import load
from preppath_workers.config.model import Config, QueueConfig
from preppath_workers.errors import JobTimeout, MachineError, PermanentError, ServiceError, TransientError
from preppath_workers.jobs.tts.speech import Speech, synthesize
from preppath_workers.store.consuming.consumer import Consumer
from preppath_workers.worker.attempt import step_retry
from preppath_workers.worker.attempt.job_context import ActiveJobContext
from preppath_workers.worker.attempt.payments import PaymentTerms
from preppath_workers.worker.attempt.step_retry import retry_step
from tests.fake_openai.application import RESPONSES
from tests.fake_openai.control import OpenAIServer
from tests.integration.store.consumer_steps import next_job
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.s3 import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PATH = RESPONSES
SPEECH = Speech("Why queues?", "gpt-realtime-2.1-mini", SpeechOptions("alloy"))
DOWN = ServiceError("s3", "S3 does not answer")


@pytest.fixture(scope="module")
def own_s3() -> Iterator[S3Server]:
    """A server that the tests of this file may freeze."""
    with S3Server() as server:
        yield server


@pytest.fixture
def s3(own_s3: S3Server) -> S3Client:
    return own_s3.client()


@pytest.fixture
def config(redis_url: str, key_prefix: str, own_s3: S3Server, bucket: str, vendor: OpenAIServer) -> Config:
    settings = {
        **MINIMAL_ENV,
        "REDIS_URL": redis_url,
        "KEY_PREFIX": key_prefix,
        "S3_ENDPOINT": own_s3.endpoint,
        "S3_BUCKET": bucket,
        "S3_ACCESS_KEY_ID": "test",
        "S3_SECRET_ACCESS_KEY": "test",
        "OPENAI_BASE_URL": vendor.base_url,
    }
    return load(settings, [])


@pytest.fixture
def services(config: Config) -> Iterator[Services]:
    with closing(Services(config)) as services:
        services.__dict__["storage"] = Storage(config.storage, connect_timeout=2, read_timeout=1)
        yield services


@pytest.fixture
def freeze(own_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """Freeze S3 for this many seconds."""
    monkeypatch.setattr(step_retry, "_PATIENCE", 0.5)
    pid, timers = own_s3.pid, []

    def freeze(seconds: float) -> None:
        os.kill(pid, signal.SIGSTOP)
        timers.append(threading.Timer(seconds, os.kill, (pid, signal.SIGCONT)))
        timers[-1].start()

    yield freeze
    os.kill(pid, signal.SIGCONT)
    for timer in timers:
        timer.cancel()


@pytest.fixture
def context(config: Config, services: Services, queue: Queue) -> Iterator[Callable[[], ActiveJobContext]]:
    """Make attempts at one job, each with the checkpoints of the one before."""
    queue.enqueue({}, id="j")
    consumer = Consumer(config, QueueConfig("tts"), "host", 0)
    next_job(consumer)

    def make() -> ActiveJobContext:
        job = queue.get("j")
        assert job is not None
        consumer.running_job.begin(job)
        return ActiveJobContext(job, {}, consumer.running_job, services, PaymentTerms())

    yield make
    consumer.disconnect()


@pytest.fixture
def frozen_after_payment(
    freeze: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> Callable[[float], None]:
    """Freeze S3 once, just after OpenAI has answered with a speech."""
    real, left = RealtimeReader.read, []

    def paid(reader: RealtimeReader, text: str, meter: Meter) -> Reading:
        reading = real(reader, text, meter)
        while left:
            freeze(left.pop())
        return reading

    monkeypatch.setattr(RealtimeReader, "read", paid)
    return left.append


def test_speech_during_a_short_s3_outage_is_uploaded_when_s3_is_back(
    context: Callable[[], ActiveJobContext],
    services: Services,
    frozen_after_payment: Callable[[float], None],
    vendor: OpenAIServer,
    s3: S3Client,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(step_retry, "_PATIENCE", 60)
    frozen_after_payment(2.5)

    recorded = synthesize(context(), services, SPEECH, "tts/q1.mp3")

    # Not by `services`, whose patience with a busy S3 is short.
    found = s3.head_object(Bucket=bucket, Key="tts/q1.mp3")
    assert (found["ContentLength"], found["Metadata"]["sha256"]) == (recorded.size, SPEECH.digest)
    assert len(vendor.calls(PATH)) == 1


def test_speech_that_s3_does_not_accept_is_kept_in_redis_and_paid_once(
    context: Callable[[], ActiveJobContext],
    services: Services,
    frozen_after_payment: Callable[[float], None],
    vendor: OpenAIServer,
    queue: Queue,
    own_s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frozen_after_payment(60)
    with pytest.raises((ServiceError, TransientError), match="S3"):
        synthesize(context(), services, SPEECH, "tts/q1.mp3")
    os.kill(own_s3.pid, signal.SIGCONT)
    monkeypatch.setattr(step_retry, "_PATIENCE", 60)

    recorded = synthesize(context(), services, SPEECH, "tts/q1.mp3")

    assert recorded.size > 1_000
    assert len(vendor.calls(PATH)) == 1
    job = queue.get("j")
    assert job is not None
    assert [len(value) for value in job.checkpoints.values()] == [2], (
        "an answer that S3 has is removed from Redis"
    )


def test_speech_that_differs_from_the_kept_one_is_synthesized(
    context: Callable[[], ActiveJobContext],
    services: Services,
    vendor: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: bytes) -> None:
        raise DOWN

    monkeypatch.setattr(step_retry, "_PATIENCE", 0)
    with pytest.raises(ServiceError):
        context().keep(SPEECH.digest, lambda: b"left", fail)

    monkeypatch.setattr(step_retry, "_PATIENCE", 60)
    other = Speech(SPEECH.text, SPEECH.model, SpeechOptions("coral"))
    assert synthesize(context(), services, other, "tts/q1.mp3").size > len(b"left")
    assert len(vendor.calls(PATH)) == 1


def test_large_answer_that_s3_does_not_accept_is_kept_in_redis(
    context: Callable[[], ActiveJobContext], freeze: Callable[[float], None], s3: S3Client, bucket: str
) -> None:
    paid: list[str] = []

    def pay() -> str:
        freeze(60)
        paid.append("x" * 200_000)
        return paid[-1]

    assert context().step("transcript", pay) == paid[0]
    assert context().step("transcript", pay) == paid[0]
    assert len(paid) == 1


class FailingCall:
    """Raise these failures one after the other, then succeed."""

    def __init__(self, *failures: BaseException) -> None:
        self._failures = list(failures)

    def __call__(self) -> str:
        if self._failures:
            raise self._failures.pop(0)
        return "done"


@pytest.mark.parametrize(
    "failure", [DOWN, TransientError("x"), NoConnection(), MachineError("descriptors", "x")], ids=repr
)
def test_retry_step_with_a_passing_failure_repeats_the_call(failure: Exception) -> None:
    assert retry_step(FailingCall(failure, failure)) == "done"


def test_retry_step_with_a_permanent_failure_raises_it_at_once() -> None:
    with pytest.raises(PermanentError):
        retry_step(FailingCall(PermanentError("the key is too long")))


@pytest.mark.parametrize("refuses_all", [True, False])
@pytest.mark.parametrize("secured", [True, False])
def test_retry_step_out_of_time_names_the_service_and_whether_the_payment_is_lost(
    refuses_all: bool, secured: bool
) -> None:
    failure = ServiceError("s3", "no bucket", refuses_all=refuses_all)

    with pytest.raises(ServiceError, match="no bucket") as caught:
        retry_step(FailingCall(failure, JobTimeout()), lambda: secured)

    assert caught.value.service == "s3"
    assert caught.value.may_be_paid is not secured
    assert caught.value.refuses_all is (refuses_all and secured), "a probe would pay each time"


@pytest.mark.parametrize("failures", [(JobTimeout(),), (NoConnection(), JobTimeout())], ids=repr)
def test_retry_step_out_of_time_without_a_service_to_blame_is_a_timeout(
    failures: tuple[BaseException, ...],
) -> None:
    with pytest.raises(JobTimeout):
        retry_step(FailingCall(*failures))
