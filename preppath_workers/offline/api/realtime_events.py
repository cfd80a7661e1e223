"""The events of one Realtime response, in the order of the API's reference."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from .errors import ApiError
from .realtime_config import PCM

#: Samples a second.
RATE = 24_000
#: Bytes of sound in one event: 0.4 s.
_DELTA = 19_200
#: Tokens of a second of sound: one is 50 ms.
_AUDIO_TOKENS = 20


@dataclass(frozen=True)
class Ending:
    """How a response ends: `completed`, `incomplete`, `failed` or `cancelled`, and the API's details."""

    status: str = "completed"
    details: Mapping[str, Any] | None = None


#: An event that reports how much of the account's limits is left; comes after `response.created`.
Limits = Mapping[str, Any]


def text_of(wanted: Mapping[str, Any]) -> str:
    """Return the text to read from the user's message: the part between <text> tags, or all of it. Raises
    ApiError (400) without a text."""
    try:
        said = [
            str(part.get("text", ""))
            for item in wanted.get("input") or []
            for part in item.get("content") or []
            if part.get("type") == "input_text"
        ]
    except (AttributeError, TypeError):
        raise ApiError(
            400, "Invalid 'response.input': expected messages.", "invalid_type", "response.input"
        ) from None
    text = "\n".join(said)
    delimited = re.search(r"<text>\n?(.*?)\n?</text>", text, re.DOTALL)
    if not text.strip():
        raise ApiError(400, "The response has no input.", "missing_required_parameter", "response.input")
    return delimited[1] if delimited else text


def events(
    wanted: Mapping[str, Any],
    said: str,
    sound: Iterable[bytes],
    ending: Ending | None = None,
    limits: Limits | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield every event from `response.created` to `response.done`.

    `sound`: pieces of any size of 16-bit little-endian mono samples at `RATE`, each sent as it comes.
    """
    ending = ending or Ending()
    response = _Response(wanted)
    place = {"response_id": response.id, "item_id": response.item, "output_index": 0, "content_index": 0}
    part = {"type": "audio", "transcript": ""}

    yield {"type": "response.created", "response": response.described("in_progress")}
    if limits is not None:
        yield {**limits}
    yield {"type": "response.output_item.added", **_cut(place), "item": response.message("in_progress")}
    yield {"type": "response.content_part.added", **place, "part": part}
    size = 0
    for word, piece in zip_longest(re.findall(r"\S+\s*", said) or [""], _pieces(sound)):
        if word is not None:
            yield {"type": "response.output_audio_transcript.delta", **place, "delta": word}
        if piece is not None:
            size += len(piece)
            delta = base64.b64encode(piece).decode()
            yield {"type": "response.output_audio.delta", **place, "delta": delta}
    yield {"type": "response.output_audio.done", **place}
    yield {"type": "response.output_audio_transcript.done", **place, "transcript": said}
    yield {"type": "response.content_part.done", **place, "part": {**part, "transcript": said}}
    done = "completed" if ending.status == "completed" else "incomplete"
    yield {"type": "response.output_item.done", **_cut(place), "item": response.message(done, said)}
    usage = _usage(str(wanted.get("instructions", "")) + text_of(wanted), said, size / 2 / RATE)
    output = [response.message(done, said)]
    finished = response.described(ending.status, ending.details, output, usage)
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


def _pieces(sound: Iterable[bytes]) -> Iterator[bytes]:
    for part in sound:
        for at in range(0, len(part), _DELTA):
            yield part[at : at + _DELTA]


def _cut(place: Mapping[str, Any]) -> dict[str, Any]:
    return {name: place[name] for name in ("response_id", "output_index")}


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
