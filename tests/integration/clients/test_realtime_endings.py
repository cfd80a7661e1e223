"""What a Realtime response that did not succeed says, and what it costs."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from preppath_workers.clients.openai.client import SpeechOptions
from preppath_workers.clients.openai.realtime import Reading
from preppath_workers.errors import JobError, PermanentError, ServiceError
from preppath_workers.testing import FakeContext
from tests.fake_openai.application import RESPONSES
from tests.fake_openai.control import OpenAIServer

from .conftest import REALTIME_MODEL, Client


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (1000, "", "OpenAI closed the connection (1000)"),
        (1008, "not now", "OpenAI closed the connection (1008): not now"),
        (
            3000,
            "invalid_request_error.invalid_api_key",
            "OpenAI closed the connection (3000): invalid_request_error.invalid_api_key",
        ),
        (3000, "wrong key sk-***-key", "OpenAI closed the connection (3000)"),
    ],
)
def test_message_of_a_closed_session_has_its_code_and_reason_and_no_part_of_the_key(
    client: Client, vendor: OpenAIServer, code: int, reason: str, said: str
) -> None:
    vendor.order({"path": RESPONSES, "close": code, "message": reason})
    openai = client(models={"speech": REALTIME_MODEL})

    with openai.reader(SpeechOptions("marin")) as reader, pytest.raises(JobError) as caught:
        reader.read("Hello.")

    assert str(caught.value) == said


@pytest.mark.parametrize(("is_setup", "expected"), [(True, ServiceError), (False, PermanentError)])
def test_session_closed_for_a_bad_request_is_the_jobs_failure_only_after_its_text_was_sent(
    client: Client, is_setup: bool, expected: type
) -> None:
    def session(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            connection.recv()
            if not is_setup:
                connection.send('{"type": "session.updated"}')
                connection.recv()
            connection.close(1008, "invalid_request_error")

    with serve(session, "127.0.0.1", 0) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{listening.socket.getsockname()[1]}/v1"
        openai = client(models={"speech": REALTIME_MODEL}, base_url=url)
        with openai.reader(SpeechOptions("marin")) as reader, pytest.raises(expected) as caught:
            reader.read("Hello.")
        listening.shutdown()

    assert not getattr(caught.value, "refuses_all", False)


NOTHING_USED = {
    "total_tokens": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
}
#: Half a second, which has ten tokens.
SAMPLES = bytes(24_000)

Ends = Callable[..., tuple[FakeContext, Reading | None]]


@pytest.fixture
def ends(client: Client) -> Iterator[Ends]:
    """Read a text whose response has half a second of audio, no event with its transcript, and these fields.
    Return the context that its payment was made with, and the reading if it is one."""
    done: dict[str, Any] = {}

    def session(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            connection.recv()
            connection.send('{"type": "session.updated"}')
            connection.recv()
            connection.send('{"type": "response.created", "response": {"id": "r1"}}')
            audio = base64.b64encode(SAMPLES).decode()
            connection.send(json.dumps({"type": "response.output_audio.delta", "delta": audio}))
            connection.send(json.dumps({"type": "response.done", "response": {"id": "r1", **done}}))
            connection.recv()

    with serve(session, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        openai = client(base_url=f"http://127.0.0.1:{server.socket.getsockname()[1]}/v1")

        def read(**fields: Any) -> tuple[FakeContext, Reading | None]:
            done.update(fields)
            context, reading = FakeContext(), None
            with openai.reader(SpeechOptions("marin")) as reader, suppress(JobError):
                reading = reader.read("Hello.", context)
            return context, reading

        yield read
        server.shutdown()


@pytest.mark.parametrize("status", ["failed", "cancelled", "incomplete"])
@pytest.mark.parametrize(
    "error", [{"type": "server_error"}, {"type": "tokens", "code": "rate_limit_exceeded"}]
)
def test_response_that_failed_and_used_nothing_is_not_charged(
    ends: Ends, status: str, error: dict[str, str]
) -> None:
    """It was charged as much as three minutes of speech."""
    context, _ = ends(status=status, usage=NOTHING_USED, status_details={"type": status, "error": error})

    assert context.charges == []


def test_response_that_failed_after_it_used_tokens_is_charged(ends: Ends) -> None:
    [usage] = ends(status="failed", usage={"input_tokens": 90, "output_tokens": 7})[0].charges

    assert sum(usage.tokens.values()) == 97


@pytest.mark.parametrize("usage", [None, {}, NOTHING_USED, {"input_tokens": -1}])
def test_completed_response_without_usage_is_charged_by_an_estimate_of_its_duration(
    ends: Ends, usage: Any
) -> None:
    context, _ = ends(status="completed", usage=usage)

    [charge], [worst_case] = context.charges, context.worst_cases
    assert charge.is_estimated
    assert charge.tokens == {"input": worst_case.tokens["input"], "audio_output": 10}


@pytest.mark.parametrize("usage", [None, {}, NOTHING_USED, "some"])
def test_reading_without_reported_usage_has_none(ends: Ends, usage: Any) -> None:
    """A job's result said that nothing was used."""
    _, reading = ends(status="completed", usage=usage)

    assert reading
    assert reading.usage is None


@pytest.mark.parametrize(
    ("output", "transcript"),
    [
        ([{"content": [{"type": "output_audio", "transcript": "Hello."}]}], "Hello."),
        ([{"content": [{"transcript": "Hel"}]}, {"content": [{"transcript": "lo."}]}], "Hel lo."),
        ([{"content": [{"transcript": None}, {}, 5]}, {"content": None}, 5], None),
        ([], None),
        (None, None),
    ],
)
def test_transcript_without_an_event_is_that_of_the_finished_response(
    ends: Ends, output: Any, transcript: str | None
) -> None:
    _, reading = ends(status="completed", usage=None, output=output)

    assert reading
    assert reading.transcript == transcript


def test_sound_that_comes_after_its_response_is_not_that_of_the_next(client: Client) -> None:
    def session(connection: ServerConnection) -> None:
        def say(kind: str, number: int, **fields: Any) -> None:
            connection.send(json.dumps({"type": f"response.{kind}", "response_id": f"r{number}", **fields}))

        with suppress(ConnectionClosed):
            connection.recv()
            connection.send('{"type": "session.updated"}')
            for number in (1, 2):
                connection.recv()
                say("output_audio.delta", number - 1, delta=base64.b64encode(SAMPLES * 9).decode())
                say("output_audio_transcript.done", number - 1, transcript="Late.")
                say("created", number, response={"id": f"r{number}"})
                say("output_audio.delta", number, delta=base64.b64encode(SAMPLES).decode())
                say("done", number, response={"id": f"r{number}", "status": "completed"})
            connection.recv()

    with serve(session, "127.0.0.1", 0) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        openai = client(base_url=f"http://127.0.0.1:{listening.socket.getsockname()[1]}/v1")
        with openai.reader(SpeechOptions("marin")) as reader:
            reader.read("One.")
            reading = reader.read("Two.")
        listening.shutdown()

    assert (reading.samples, reading.transcript) == (SAMPLES, None)
