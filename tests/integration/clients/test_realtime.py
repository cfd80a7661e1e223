"""The Realtime API's client: its requests, its results and its errors."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from preppath_workers.clients.openai.client import SpeechOptions
from preppath_workers.clients.openai.realtime import Reading, RealtimeReader
from preppath_workers.errors import (
    JobError,
    JobTimeout,
    MachineError,
    PermanentError,
    RateLimited,
    ServiceError,
    TransientError,
)
from tests.fake_openai.application import REALTIME, RESPONSES
from tests.fake_openai.control import OpenAIServer

from .conftest import REALTIME_MODEL, Client
from .shortages import no_descriptors

KEY = "sk-a-secret-key"
TEXT = "Explain how a hash table works."
Readers = Callable[..., RealtimeReader]


@pytest.fixture
def reader(client: Client) -> Readers:
    """Make a reader on our OpenAI-compatible server, or on another."""

    def make(options: SpeechOptions = SpeechOptions("marin"), **account: Any) -> RealtimeReader:  # noqa: B008 - frozen
        account = {"api_key": KEY, "models": {"speech": REALTIME_MODEL}, "speech_voice": "marin", **account}
        return client(**account).reader(options)

    return make


def read(reader: RealtimeReader, text: str = TEXT) -> Reading:
    with closing(reader):
        return reader.read(text)


def failure(reader: RealtimeReader) -> JobError:
    with pytest.raises(JobError) as caught:
        read(reader)
    assert KEY not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, (
        "the original error holds the key"
    )
    return caught.value


def test_reader_of_a_text_returns_sound_transcript_and_usage(reader: Readers, vendor: OpenAIServer) -> None:
    reading = read(reader(SpeechOptions("ash", 1.25, "Cheerful.")))

    assert reading.transcript == TEXT
    assert 0.5 < reading.seconds < 4
    assert reading.usage
    assert reading.usage.input_tokens > 100
    assert reading.usage.output_audio_tokens == pytest.approx(20 * reading.seconds, abs=1)
    [call] = vendor.calls(RESPONSES)
    response = call["body"]["response"]
    assert response["conversation"] == "none"
    assert response["input"][0]["content"][0]["text"] == f"<text>\n{TEXT}\n</text>"
    assert response["instructions"].endswith("Manner of speaking: Cheerful.")
    assert response["audio"]["output"]["voice"] == "ash"


def test_reader_of_two_texts_shares_the_session_and_not_the_context(
    reader: Readers, vendor: OpenAIServer
) -> None:
    with reader() as session:
        assert [session.read(text).transcript for text in ("One.", "Two.")] == ["One.", "Two."]

    assert (len(vendor.calls(REALTIME)), len(vendor.calls(RESPONSES))) == (1, 2)


def test_session_closed_by_the_server_is_opened_again(reader: Readers, vendor: OpenAIServer) -> None:
    vendor.order({"path": RESPONSES, "cut": "after"})
    with reader() as session:
        session.read("One.")
        time.sleep(0.2)  # until the close frame has arrived
        assert session.read("Two.").transcript == "Two."

    assert (len(vendor.calls(REALTIME)), len(vendor.calls(RESPONSES))) == (2, 2)


def test_reader_without_a_text_opens_no_session(reader: Readers, vendor: OpenAIServer) -> None:
    with reader():
        pass
    assert vendor.calls() == []


@pytest.mark.parametrize(
    ("fault", "expected", "refuses_all"),
    [
        ({"status": 401, "code": "invalid_api_key"}, ServiceError, True),
        ({"status": 403}, ServiceError, True),
        # Nothing of the job was sent yet, so it is to blame for none of these.
        ({"status": 400, "code": "invalid_request_error"}, ServiceError, True),
        ({"status": 413}, ServiceError, True),
        ({"status": 422}, ServiceError, True),
        ({"status": 404, "code": "model_not_found"}, ServiceError, True),
        ({"status": 429, "code": "insufficient_quota"}, ServiceError, True),
        ({"status": 429, "headers": {"Retry-After": "3"}}, RateLimited, None),
        ({"status": 503, "headers": {"Retry-After": "3"}}, ServiceError, False),
        ({"body": "<html>a gateway's page</html>", "status": 502}, ServiceError, False),
        ({"cut": "before"}, ServiceError, False),
    ],
    ids=str,
)
def test_handshake_that_fails_is_classified_and_not_paid(
    reader: Readers, vendor: OpenAIServer, fault: dict[str, Any], expected: type, refuses_all: bool | None
) -> None:
    vendor.order({"path": REALTIME, **fault})

    error = failure(reader())

    assert type(error) is expected
    if isinstance(error, ServiceError):
        assert (error.refuses_all, error.may_be_paid) == (refuses_all, False)
    if "headers" in fault:
        assert isinstance(error, RateLimited | ServiceError)
        assert error.retry_after == 3
    assert len(vendor.calls()) == 1, "retries are the queue's"


@pytest.mark.parametrize(
    ("fault", "expected", "refuses_all", "may_be_paid"),
    [
        # error events instead of a response
        ({"status": 429, "code": "rate_limit_exceeded"}, RateLimited, None, None),
        ({"status": 429, "code": "insufficient_quota"}, ServiceError, True, False),
        ({"status": 500}, ServiceError, False, False),
        ({"status": 400, "code": "content_policy_violation"}, PermanentError, None, None),
        ({"status": 400, "code": "unknown_parameter", "param": "response.tools"}, ServiceError, True, False),
        ({"status": 400, "code": "session_expired"}, ServiceError, False, False),
        ({"status": 400, "code": "conversation_already_has_active_response"}, ServiceError, False, False),
        # responses that end otherwise
        ({"ends": "failed", "type": "server_error"}, ServiceError, False, False),
        ({"ends": "failed", "code": "rate_limit_exceeded"}, RateLimited, None, None),
        ({"ends": "failed", "code": "insufficient_quota"}, ServiceError, True, False),
        ({"ends": "cancelled", "finish_reason": "turn_detected"}, ServiceError, False, False),
        ({"ends": "incomplete", "finish_reason": "max_output_tokens"}, TransientError, None, None),
        ({"ends": "incomplete", "finish_reason": "content_filter"}, PermanentError, None, None),
        # sockets that end
        ({"cut": "before"}, ServiceError, False, True),
        ({"cut": "middle"}, ServiceError, False, True),
        ({"close": 1000}, ServiceError, False, True),
        ({"close": 1011, "message": "internal error"}, ServiceError, False, True),
        ({"close": 1013}, ServiceError, False, True),
        ({"close": 1008, "code": "invalid_request_error.insufficient_quota"}, ServiceError, True, False),
        ({"close": 3000, "code": "invalid_request_error.invalid_api_key"}, ServiceError, True, False),
        ({"close": 1009}, PermanentError, None, None),
        # what is not an event
        ({"body": "<html>"}, ServiceError, False, True),
        ({"body": "[1]"}, ServiceError, False, True),
        ({"body": '{"type": "response.output_audio.delta", "delta": "!"}'}, ServiceError, False, True),
        ({"body": '{"type": "error", "error": "overloaded"}'}, ServiceError, False, False),
        ({"body": '{"type": "response.done", "response": []}'}, ServiceError, False, True),
    ],
    ids=str,
)
def test_response_that_fails_is_classified_by_its_cause(
    reader: Readers,
    vendor: OpenAIServer,
    fault: dict[str, Any],
    expected: type,
    refuses_all: bool | None,
    may_be_paid: bool | None,
) -> None:
    vendor.order({"path": RESPONSES, **fault})

    error = failure(reader())

    assert type(error) is expected
    if isinstance(error, ServiceError):
        assert (error.refuses_all, error.may_be_paid) == (refuses_all, may_be_paid)
    assert len(vendor.calls(RESPONSES)) == 1, "retries are the queue's"


def test_response_that_is_rate_limited_sets_the_delay(reader: Readers, vendor: OpenAIServer) -> None:
    vendor.order({"path": RESPONSES, "ends": "failed", "code": "rate_limit_exceeded"})

    error = failure(reader())

    assert isinstance(error, RateLimited)
    assert error.retry_after == 3.0


@pytest.mark.parametrize(
    ("options", "expected"),
    [(SpeechOptions("nova"), PermanentError), (SpeechOptions("marin", 3), PermanentError)],
    ids=["voice", "speed"],
)
def test_setup_refused_for_the_jobs_options_is_a_permanent_error(
    reader: Readers, vendor: OpenAIServer, options: SpeechOptions, expected: type
) -> None:
    assert type(failure(reader(options))) is expected
    assert vendor.calls(RESPONSES) == []


def test_setup_refused_for_the_configured_voice_refuses_all(reader: Readers, vendor: OpenAIServer) -> None:
    error = failure(reader(SpeechOptions("nova"), speech_voice="nova"))

    assert isinstance(error, ServiceError)
    assert error.refuses_all
    assert "voice" in str(error)
    assert vendor.calls(RESPONSES) == []


@pytest.mark.parametrize("fault", [{"latency": 30}, {"silence": 30}], ids=["before", "middle"])
def test_response_without_an_answer_in_time_may_be_paid(
    reader: Readers, vendor: OpenAIServer, fault: dict[str, Any]
) -> None:
    vendor.order({"path": RESPONSES, **fault})
    begun = time.monotonic()

    error = failure(reader(timeout=0.5))

    assert isinstance(error, ServiceError)
    assert (error.may_be_paid, error.refuses_all) == (True, False)
    assert time.monotonic() - begun < 15


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_handshake_without_an_answer_is_not_paid(reader: Readers, listener: socket.socket) -> None:
    error = failure(reader(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1", timeout=0.5))

    assert isinstance(error, ServiceError)
    assert not error.may_be_paid


def test_session_without_a_free_descriptor_is_a_machine_error(client: Client) -> None:
    openai = client(models={"speech": REALTIME_MODEL}, speech_voice="marin")
    openai.preload()

    with no_descriptors(), pytest.raises(MachineError) as caught:
        read(openai.reader(SpeechOptions("marin")))

    assert caught.value.resource == "descriptors"


def test_session_without_a_free_thread_is_a_machine_error(
    reader: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")  # as Python says it at the limit of processes

    monkeypatch.setattr(threading.Thread, "start", refuse)

    with pytest.raises(MachineError) as caught:
        read(reader())

    assert caught.value.resource == "processes"


def test_unreachable_server_is_not_paid(reader: Readers) -> None:
    error = failure(reader(base_url="http://127.0.0.1:1/v1"))

    assert isinstance(error, ServiceError)
    assert (error.refuses_all, error.may_be_paid) == (False, False)
    assert "ConnectionRefusedError" in str(error)


def test_job_timeout_during_a_silent_response_is_raised(reader: Readers, vendor: OpenAIServer) -> None:
    vendor.order({"path": RESPONSES, "silence": 60})

    def interrupt(*_: object) -> None:
        raise JobTimeout

    # The suite's own time limit uses SIGALRM.
    before = signal.signal(signal.SIGUSR2, interrupt)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGUSR2))
    begun = time.monotonic()
    try:
        timer.start()
        with pytest.raises(JobTimeout):
            read(reader(timeout=60))
    finally:
        timer.cancel()
        signal.signal(signal.SIGUSR2, before)
    assert time.monotonic() - begun < 40, "the read timeout is 60 s"
