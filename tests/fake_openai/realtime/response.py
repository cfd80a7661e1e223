"""The events of one response, with the text spoken by eSpeak NG, in the order of the API's reference."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from tests.fake_openai.errors import ApiError
from tests.fake_openai.faults import Fault
from tests.support import speech, wav

from .session_config import PCM

RATE = 24_000
#: Bytes of sound in one event: 0.4 s.
_DELTA = 19_200
#: A token of sound is 50 ms.
_AUDIO_TOKENS = 20


def text_of(wanted: Mapping[str, Any]) -> str:
    """Return the text to read from the user's message: the part between <text> tags, or all of it. Raises
    ApiError (400) without a text."""
    said = [
        part.get("text", "")
        for item in wanted.get("input") or []
        for part in item.get("content") or []
        if part.get("type") == "input_text"
    ]
    text = "\n".join(said)
    delimited = re.search(r"<text>\n?(.*?)\n?</text>", text, re.DOTALL)
    if not text.strip():
        raise ApiError(400, "The response has no input.", "missing_required_parameter", "response.input")
    return delimited[1] if delimited else text


def speak(wanted: Mapping[str, Any], text: str, fault: Fault) -> Iterator[dict[str, Any]]:
    """Yield every event from `response.created` to `response.done`."""
    said = fault.content if isinstance(fault.content, str) else text
    output = wanted["audio"]["output"]
    spoken = speech.synthesize(said, output["voice"], output.get("speed", 1.0))
    sound = wav.resampled(spoken, RATE).samples
    ends = fault.ends or "completed"
    if ends != "completed":
        sound, said = sound[: len(sound) // 4 * 2], said[: len(said) // 2]
    response = _Response(wanted)
    place = {"response_id": response.id, "item_id": response.item, "output_index": 0, "content_index": 0}
    part = {"type": "audio", "transcript": ""}

    yield {"type": "response.created", "response": response.described("in_progress")}
    yield _rate_limits(used_up=fault.ends == "failed" and fault.code == "rate_limit_exceeded")
    yield {"type": "response.output_item.added", **_cut(place), "item": response.message("in_progress")}
    yield {"type": "response.content_part.added", **place, "part": part}
    words = re.findall(r"\S+\s*", said) or [""]
    pieces = [sound[at : at + _DELTA] for at in range(0, len(sound), _DELTA)]
    for number in range(max(len(words), len(pieces))):
        if number < len(words):
            yield {"type": "response.output_audio_transcript.delta", **place, "delta": words[number]}
        if number < len(pieces):
            delta = base64.b64encode(pieces[number]).decode()
            yield {"type": "response.output_audio.delta", **place, "delta": delta}
    yield {"type": "response.output_audio.done", **place}
    yield {"type": "response.output_audio_transcript.done", **place, "transcript": said}
    yield {"type": "response.content_part.done", **place, "part": {**part, "transcript": said}}
    done = "completed" if ends == "completed" else "incomplete"
    yield {"type": "response.output_item.done", **_cut(place), "item": response.message(done, said)}
    usage = _usage(str(wanted.get("instructions", "")) + text, said, len(sound) / 2 / RATE)
    finished = response.described(ends, _details(fault), [response.message(done, said)], usage)
    yield {"type": "response.done", "response": finished}


class _Response:
    def __init__(self, wanted: Mapping[str, Any]) -> None:
        self.id, self.item = f"resp_{uuid.uuid4().hex}", f"item_{uuid.uuid4().hex}"
        self._wanted = wanted

    def described(
        self, status: str, details: Any = None, output: list[Any] | None = None, usage: Any = None
    ) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": output or [],
            "conversation_id": None,
            "output_modalities": ["audio"],
            "max_output_tokens": self._wanted.get("max_output_tokens", "inf"),
            "audio": {"output": {"format": PCM, "voice": self._wanted["audio"]["output"]["voice"]}},
            "usage": usage,
            "metadata": self._wanted.get("metadata"),
        }

    def message(self, status: str, said: str | None = None) -> dict[str, Any]:
        content = [] if said is None else [{"type": "output_audio", "transcript": said}]
        message = {"id": self.item, "object": "realtime.item", "type": "message", "role": "assistant"}
        return {**message, "status": status, "content": content}


def _details(fault: Fault) -> dict[str, Any] | None:
    if fault.ends in (None, "completed"):
        return None
    details: dict[str, Any] = {"type": fault.ends}
    if fault.finish_reason:
        details["reason"] = fault.finish_reason
    if fault.ends == "failed":
        details["error"] = {
            "type": fault.type or "server_error",
            "code": fault.code,
            "message": fault.message,
        }
    return details


def _cut(place: Mapping[str, Any]) -> dict[str, Any]:
    return {name: place[name] for name in ("response_id", "output_index")}


def _rate_limits(used_up: bool) -> dict[str, Any]:
    limits = [("requests", 1_000, 999, 0.06), ("tokens", 100_000, 0 if used_up else 95_000, 3.0)]
    names = ("name", "limit", "remaining", "reset_seconds")
    return {
        "type": "rate_limits.updated",
        "rate_limits": [dict(zip(names, each, strict=True)) for each in limits],
    }


def _usage(asked: str, said: str, seconds: float) -> dict[str, Any]:
    # Four characters a token is OpenAI's own rule of thumb for English.
    text_in, text_out, audio_out = -(-len(asked) // 4), -(-len(said) // 4), round(seconds * _AUDIO_TOKENS)
    cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
    inputs = {"text_tokens": text_in, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 0}
    return {
        "total_tokens": text_in + text_out + audio_out,
        "input_tokens": text_in,
        "output_tokens": text_out + audio_out,
        "input_token_details": {**inputs, "cached_tokens_details": cached},
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }
