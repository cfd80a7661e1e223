"""Hostile answers: each client raises only the errors that the queue handles, without secrets."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from preppath_workers.clients.openai.client import OpenAI, SpeechOptions
from preppath_workers.clients.s3.client import Storage
from preppath_workers.clients.webhook import Webhook
from preppath_workers.config.model import ModelConfig, OpenAIConfig, StorageConfig, WebhookConfig
from preppath_workers.errors import JobError
from preppath_workers.jobs.tts.wording import difference

from .scripted_server import ScriptedServer, scripted_server
from .strategies import ANY_TEXT, JSON, STATUSES, bodies, http_answers, objects

KEY, SECRET, TOKEN = "sk-canary-key", "canary-secret", "canary-token"
#: Seconds. Rarely reached: the server closes the connection after a short answer.
TIMEOUT = 5.0


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as state:
        yield state


@pytest.fixture(scope="module")
def openai(server: ScriptedServer) -> Iterator[OpenAI]:
    """One client for all examples, as a worker has one for all its jobs."""
    model_config = ModelConfig("gpt-transcribe", KEY, f"{server.url}/v1", TIMEOUT)
    with closing(OpenAI(OpenAIConfig(model_config, model_config, model_config))) as client:
        yield client


@pytest.fixture(scope="module")
def storage(server: ScriptedServer) -> Iterator[Storage]:
    config = StorageConfig("bucket", server.url, "us-east-1", "canary-id", SECRET)
    with closing(Storage(config, TIMEOUT, TIMEOUT)) as client:
        yield client


@pytest.fixture(scope="module")
def webhook(server: ScriptedServer) -> Webhook:
    url = f"{server.url.replace('//', f'//user:{SECRET}@')}/?token={TOKEN}"
    return Webhook(WebhookConfig(url, SECRET), (TIMEOUT, TIMEOUT))


def check_errors(call: Callable[[], object]) -> None:
    """Call it and check that any error is a JobError without secrets."""
    try:
        call()
    except JobError as error:
        seen = f"{error} {error.__cause__!r}"
        assert not [word for word in (KEY, SECRET, TOKEN) if word in seen]


CHAT = ("choices", "message", "content", "refusal", "finish_reason", "error", "code")
TRANSCRIPT = ("text", "duration", "language", "languages", "usage", "error", "code", "message")


@given(answer=http_answers(bodies(*CHAT)))
def test_evaluate_with_a_hostile_answer_raises_job_errors_only(
    server: ScriptedServer, openai: OpenAI, answer: bytes
) -> None:
    server.answer = answer
    check_errors(lambda: openai.evaluate([{"role": "user", "content": "Judge."}], {}))


@given(answer=http_answers(bodies(*TRANSCRIPT)))
def test_transcribe_with_a_hostile_answer_raises_job_errors_only(
    server: ScriptedServer, openai: OpenAI, answer: bytes
) -> None:
    server.answer = answer
    check_errors(lambda: openai.transcribe(io.BytesIO(b"sound"), "a.wav", "audio/wav"))


@given(answer=http_answers(bodies("error", "code", "message")))
def test_synthesize_with_a_hostile_answer_raises_job_errors_only(
    server: ScriptedServer, openai: OpenAI, answer: bytes
) -> None:
    server.answer = answer
    check_errors(lambda: openai.synthesize("Why?", SpeechOptions("alloy")))


@given(answer=http_answers(bodies("error", "code", "message")))
def test_realtime_handshake_with_a_hostile_answer_raises_job_errors_only(
    server: ScriptedServer, openai: OpenAI, answer: bytes
) -> None:
    server.answer = answer
    with openai.reader(SpeechOptions("alloy")) as reader:
        check_errors(lambda: reader.read("Why?"))


@pytest.fixture(scope="module")
def events() -> list[Any]:
    """The events that the Realtime server sends as a response before it closes."""
    return []


@pytest.fixture(scope="module")
def realtime(events: list[Any]) -> Iterator[OpenAI]:
    """A client of the Realtime server."""

    def session(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            connection.recv()
            connection.send('{"type": "session.updated"}')
            connection.recv()
            for event in events:
                connection.send(json.dumps(event))

    with serve(session, "127.0.0.1", 0) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{listening.socket.getsockname()[1]}/v1"
        model_config = ModelConfig("gpt-realtime-2.1-mini", KEY, url, TIMEOUT)
        with closing(OpenAI(OpenAIConfig(model_config, model_config, model_config))) as client:
            yield client
        listening.shutdown()


FIELDS = (
    "type",
    "response",
    "response_id",
    "delta",
    "transcript",
    "error",
    "status",
    "status_details",
    "usage",
    "id",
)
TYPES = st.sampled_from(
    [
        *("response.created", "response.output_audio.delta", "response.output_audio_transcript.done"),
        *("response.done", "error", "rate_limits.updated"),
    ]
)
RESPONSES = objects("id", "status", "status_details", "usage") | JSON
EVENTS = st.lists(
    st.builds(
        lambda event, kind, response: {**event, "type": kind, "response": response},
        objects(*FIELDS),
        TYPES,
        RESPONSES,
    )
    | JSON,
    max_size=4,
)


@given(sent=EVENTS)
def test_realtime_response_with_hostile_events_raises_job_errors_only(
    realtime: OpenAI, events: list[Any], sent: list[Any]
) -> None:
    events[:] = sent
    with realtime.reader(SpeechOptions("alloy")) as reader:
        check_errors(lambda: reader.read("Why?"))


@given(text=ANY_TEXT, transcript=ANY_TEXT)
def test_difference_of_any_texts_raises_nothing(text: str, transcript: str) -> None:
    difference(text, transcript)
    assert difference(text, text) is None


S3_BODIES = st.binary(max_size=100) | st.just(b"<Error><Code>NoSuchKey</Code></Error>")


# Without redirects: botocore follows each of them a hundred times.
@given(answer=http_answers(S3_BODIES, [status for status in STATUSES if status // 100 != 3]))
def test_storage_with_a_hostile_answer_raises_job_errors_only(
    server: ScriptedServer, storage: Storage, answer: bytes
) -> None:
    server.answer = answer
    for call in (
        lambda: storage.find("key"),
        lambda: storage.read("key", 1_000),
        lambda: storage.download("key", io.BytesIO(), 1_000),
        lambda: storage.upload("key", b"x", "audio/mpeg", {"sha256": "x"}),
        lambda: storage.delete("key"),
    ):
        check_errors(call)


@given(answer=http_answers(st.binary(max_size=100)))
def test_webhook_with_a_hostile_answer_raises_job_errors_only(
    server: ScriptedServer, webhook: Webhook, answer: bytes
) -> None:
    server.answer = answer
    check_errors(lambda: webhook.deliver("id", b"{}"))
