"""Loads what the SDK needs for a first request before the workers are forked, so that they share its memory.

The SDK imports its resources and builds its pydantic models on first use.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 — getaddrinfo() encodes host names with it
from collections.abc import Callable
from io import BytesIO

import httpcore2
import httpx2
import openai

#: Answers by the end of the path, with the fields that OpenAI sends: the SDK builds the validator of
#: a union or a list when such a field first has a value.
_ANSWERS = {
    "/chat/completions": {
        "id": "",
        "object": "chat.completion",
        "created": 0,
        "model": "",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "{}", "refusal": None, "annotations": []},
            }
        ],
        "usage": {
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "total_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "",
    },
    "/audio/transcriptions": {
        "text": "",
        "usage": {"type": "duration", "seconds": 0},
        "language": "",
        "languages": [{"code": ""}],
        "duration": 0.0,
        "segments": [
            {
                "id": 0,
                "seek": 0,
                "start": 0.0,
                "end": 0.0,
                "text": "",
                "tokens": [0],
                "temperature": 0.0,
                "avg_logprob": 0.0,
                "compression_ratio": 0.0,
                "no_speech_prob": 0.0,
            }
        ],
    },
    "/audio/speech": {},
}


def preload(client: openai.OpenAI, request: Callable[[openai.OpenAI], object]) -> None:
    """Make a request with a copy of the client. No connection is opened: the answers are made here."""
    _read_an_answer()
    with openai.DefaultHttpxClient(transport=httpx2.MockTransport(_answer)) as http:
        request(client.with_options(http_client=http))


def evaluate(client: openai.OpenAI) -> None:
    """Request an evaluation."""
    client.chat.completions.create(
        model="",
        messages=[{"role": "user", "content": ""}],
        response_format={"type": "json_schema", "json_schema": {"name": "", "strict": True, "schema": {}}},
    )


def transcribe(is_verbose: bool, client: openai.OpenAI) -> None:
    """Request a transcription, with its details or without."""
    client.audio.transcriptions.create(
        model="",
        file=("a.wav", BytesIO(), "audio/wav"),
        response_format="verbose_json" if is_verbose else "json",
    )


def speak(client: openai.OpenAI) -> None:
    """Request speech of the speech endpoint."""
    client.audio.speech.create(model="", voice="", input="", response_format="mp3")


def connect(client: openai.OpenAI) -> None:
    """Prepare a session of the Realtime API."""
    client.realtime.connect(model="")  # opens nothing until it is entered


def _answer(request: httpx2.Request) -> httpx2.Response:
    return next(
        httpx2.Response(200, json=body) for path, body in _ANSWERS.items() if request.url.path.endswith(path)
    )


def _read_an_answer() -> None:
    """Load the parser of HTTP/1.1, which a MockTransport does without."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    with httpcore2.ConnectionPool(network_backend=httpcore2.MockBackend([answer])) as pool:
        pool.request("POST", "http://127.0.0.1/", content=b"{}")
