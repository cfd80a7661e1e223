"""The Realtime API of the OpenAI-compatible server, used through OpenAI's own SDK."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from openai.resources.realtime.realtime import RealtimeConnection
from openai.types.realtime.realtime_response import RealtimeResponse
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.fake_openai.application import REALTIME, RESPONSES
from tests.fake_openai.control import OpenAIServer

pytestmark = pytest.mark.trial

MODEL = "gpt-realtime-2.1-mini"
TEXT = "What is a hash table?"
OUTPUT: Any = {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "marin", "speed": 1.5}
SESSION: Any = {"type": "realtime", "output_modalities": ["audio"], "audio": {"output": OUTPUT}, "tools": []}


def asked(**more: Any) -> Any:
    content = [{"type": "input_text", "text": TEXT}]
    return {
        "conversation": "none",
        "metadata": {"part": "0"},
        "input": [{"type": "message", "role": "user", "content": content}],
        **more,
    }


@contextmanager
def session(client: openai.OpenAI, **options: Any) -> Iterator[RealtimeConnection]:
    with client.realtime.connect(model=MODEL, **options) as connection:
        assert connection.recv().type == "session.created"
        yield connection


def until_done(connection: RealtimeConnection) -> tuple[list[Any], RealtimeResponse]:
    events: list[Any] = []
    for event in connection:
        events.append(event)
        if event.type == "response.done":
            return events, event.response
    raise AssertionError("the session ended before the response")


def test_response_out_of_band_has_audio_transcript_and_usage(
    vendor: OpenAIServer, client: openai.OpenAI
) -> None:
    with session(client) as connection:
        connection.session.update(session=SESSION)
        updated: Any = connection.recv()
        assert (updated.type, updated.session.audio.output.voice) == ("session.updated", "marin")
        for _ in range(2):
            connection.response.create(response=asked())
            events, response = until_done(connection)

    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created", "rate_limits.updated", "response.output_item.added",
        "response.content_part.added", "response.output_audio_transcript.delta",
        "response.output_audio.delta", "response.output_audio.done",
        "response.output_audio_transcript.done", "response.content_part.done",
        "response.output_item.done", "response.done",
    ]  # fmt: skip
    sound = b"".join(base64.b64decode(e.delta) for e in events if e.type == "response.output_audio.delta")
    seconds = len(sound) / 2 / 24_000
    assert 0.5 < seconds < 4
    assert len(set(sound)) > 50, "no silence"
    assert (response.status, response.metadata, response.conversation_id) == (
        "completed",
        {"part": "0"},
        None,
    )
    assert response.output is not None
    content: Any = response.output[0].content  # type: ignore[union-attr]
    assert content[0].transcript == TEXT
    usage: Any = response.usage
    assert usage.output_token_details.audio_tokens == pytest.approx(20 * seconds, abs=1)
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert [(call["path"], call["model"], call["status"]) for call in vendor.calls()] == [
        (REALTIME, MODEL, 101), (RESPONSES, MODEL, 200), (RESPONSES, MODEL, 200)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("update", "param"),
    [
        ({"output_modalities": ["audio", "text"]}, "session.output_modalities"),
        ({"audio": {"output": {**OUTPUT, "voice": "nova"}}}, "session.audio.output.voice"),
        ({"audio": {"output": {**OUTPUT, "speed": 2}}}, "session.audio.output.speed"),
        ({"audio": {"output": {"format": {"type": "audio/mpeg"}}}}, "session.audio.output.format"),
        ({"max_output_tokens": 5_000}, "session.max_output_tokens"),
        ({"temperature": 0.8}, "session.temperature"),
    ],
    ids=str,
)
def test_session_update_with_a_wrong_parameter_is_an_error_event(
    vendor: OpenAIServer, client: openai.OpenAI, update: Any, param: str
) -> None:
    with session(client) as connection:
        connection.session.update(session={**SESSION, **update}, event_id="mine")
        event: Any = connection.recv()

    assert (event.type, event.error.type, event.error.param) == ("error", "invalid_request_error", param)
    assert event.error.event_id == "mine"


@pytest.mark.parametrize(
    ("key", "model", "status"),
    [("sk-wrong", MODEL, 401), ("sk-test", "gpt-9", 404), ("sk-test", "tts-1", 404)],
)
def test_handshake_with_a_wrong_key_or_model_is_refused(
    vendor: OpenAIServer, key: str, model: str, status: int
) -> None:
    client = openai.OpenAI(api_key=key, base_url=vendor.base_url)

    with pytest.raises(InvalidStatus) as refused, client.realtime.connect(model=model):
        pass
    assert refused.value.response.status_code == status


def test_orders_for_responses_apply_in_order(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    vendor.order(
        {"path": RESPONSES, "content": "A hash table maps keys to values."},
        {"path": RESPONSES, "ends": "incomplete", "finish_reason": "max_output_tokens"},
        {"path": RESPONSES, "status": 429, "code": "rate_limit_exceeded"},
        {"path": RESPONSES, "cut": "middle"},
    )
    with session(client) as connection:
        connection.response.create(response=asked())
        events, _ = until_done(connection)
        transcripts = [
            event.transcript for event in events if event.type == "response.output_audio_transcript.done"
        ]
        assert transcripts == ["A hash table maps keys to values."]

        connection.response.create(response=asked())
        _, response = until_done(connection)
        assert response.status == "incomplete"
        assert response.status_details is not None
        assert response.status_details.reason == "max_output_tokens"

        connection.response.create(response=asked())
        event: Any = connection.recv()
        assert (event.type, event.error.code) == ("error", "rate_limit_exceeded")

        connection.response.create(response=asked())
        with pytest.raises(ConnectionClosedError):
            until_done(connection)
    assert vendor.calls(RESPONSES)[-1]["status"] is None


def test_order_for_the_handshake_is_an_http_answer(vendor: OpenAIServer, client: openai.OpenAI) -> None:
    vendor.order({"path": REALTIME, "status": 429, "headers": {"Retry-After": "3"}})

    with pytest.raises(InvalidStatus) as refused, session(client):
        pass
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "3"
