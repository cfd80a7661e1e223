"""Synthesize a text and store it in S3, paying for each passage once.

The stored object is the checkpoint: its metadata has the digest of the text and options. If a text takes
several requests, the parts are stored separately until the whole is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import partial

from ...clients.audio import mp3
from ...clients.openai.client import SpeechOptions
from ...clients.openai.connection import MAX_RESPONSE
from ...clients.s3.client import ObjectInfo, Storage
from ...clients.services import Services
from ...config.model import OpenAIConfig
from ...config.openai_speech import SPEEDS, voice_problem
from ...errors import InvalidJob
from ...registry import JobContext
from ..paid_requests import PaidRequests
from .synthesizers import SpeechCost, Synthesizer, synthesizer

MIME_TYPE = "audio/mpeg"


@dataclass(frozen=True)
class Speech:
    """A text to synthesize, with the model and options."""

    text: str
    model: str
    options: SpeechOptions

    @classmethod
    def of(
        cls, config: OpenAIConfig, text: str, voice: str | None, speed: float | None, instructions: str | None
    ) -> Speech:
        """Return the speech that a job asks for, with the configured voice by default.

        Raises InvalidJob for a voice or speed that the API does not support.
        """
        model = config.speech
        problem = voice and voice_problem(config.speech_api, model.model, model.base_url, voice)
        if problem:
            raise InvalidJob(f"voice must be {problem}")
        slowest, fastest = SPEEDS[config.speech_api]
        if speed is not None and not slowest <= speed <= fastest:
            raise InvalidJob(f"speed must be from {slowest:g} to {fastest:g}")
        return cls(
            text, config.speech.model, SpeechOptions(voice or config.speech_voice, speed, instructions)
        )

    @property
    def digest(self) -> str:
        """The SHA-256, in hexadecimal, of everything that the audio depends on."""
        content = json.dumps([self.text, self.model, *astuple(self.options)], ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True)
class StoredSpeech:
    """A stored speech.

    Args:
        size: bytes.
        duration: seconds, or None if unknown.
        cached: whether it was stored before this attempt.
        parts: passages that the text was split into.
        retries: requests repeated because the model did not read word for word.
        usage: tokens of all requests, or None if not reported.
    """

    size: int
    duration: float | None
    cached: bool
    parts: int
    retries: int = 0
    usage: Mapping[str, int] | None = None


def synthesize(context: JobContext, services: Services, speech: Speech, key: str) -> StoredSpeech:
    """Store the speech under the key, unless it is stored already."""
    storage = services.storage
    with synthesizer(services.openai, PaidRequests(context), speech.text, speech.options) as synthesis:
        keys = _part_keys(speech, synthesis)
        found = storage.find(key)
        cached = found is not None and found.metadata.get("sha256") == speech.digest
        if found and cached:
            stored = StoredSpeech(found.size, _seconds(found), cached=True, parts=len(synthesis.passages))
        else:
            stored = _synthesize(context, storage, speech, synthesis, key)
    for part in keys:
        storage.delete(part)
    return stored


def _seconds(found: ObjectInfo) -> float | None:
    seconds = re.fullmatch(r"\d{1,9}(\.\d{1,9})?", found.metadata.get("seconds", ""), re.ASCII)
    return float(seconds[0]) if seconds else None


def _synthesize(
    context: JobContext, storage: Storage, speech: Speech, synthesis: Synthesizer, key: str
) -> StoredSpeech:
    keys = _part_keys(speech, synthesis)
    cost = SpeechCost()

    def whole() -> bytes:
        nonlocal cost
        part, cost = synthesis.synthesize(0)
        return synthesis.join([part])

    store = partial(_store, storage, key, speech)
    if not keys:
        audio = context.keep(speech.digest, whole, store)
    else:
        parts = []
        for number, part_key in enumerate(keys):
            part, more = _stored_or_new(context, storage, part_key, synthesis, number)
            parts.append(part)
            cost += more
            context.progress(10 + 60 * len(parts) // len(keys))
        audio = synthesis.join(parts)
        store(audio)
    duration = mp3.seconds(audio)
    return StoredSpeech(
        size=len(audio),
        duration=None if duration is None else round(duration, 3),
        cached=False,
        parts=len(synthesis.passages),
        retries=cost.retries,
        usage=cost.usage.as_result() if cost.usage else None,
    )


def _store(storage: Storage, key: str, speech: Speech, audio: bytes) -> None:
    duration = mp3.seconds(audio)
    metadata = {"sha256": speech.digest} | ({} if duration is None else {"seconds": f"{duration:.3f}"})
    storage.upload(key, audio, MIME_TYPE, metadata)


def _stored_or_new(
    context: JobContext, storage: Storage, key: str, synthesis: Synthesizer, number: int
) -> tuple[bytes, SpeechCost]:
    """Return the part that an earlier attempt has stored, or a new one, and its cost."""
    part = storage.read(key, MAX_RESPONSE)
    if part:
        stored = storage.find(key)
        return part, SpeechCost.of(stored.metadata if stored else {})
    cost = SpeechCost()

    def pay() -> bytes:
        nonlocal cost
        sound, cost = synthesis.synthesize(number)
        return sound

    def store(sound: bytes) -> None:
        metadata = cost.as_metadata() if cost.usage or cost.retries else None
        storage.upload(key, sound, synthesis.mime_type, metadata)

    return context.keep(key, pay, store), cost


def _part_keys(speech: Speech, synthesis: Synthesizer) -> list[str]:
    """Return the keys of the parts, which are stored until the whole is; empty for a single passage."""
    if len(synthesis.passages) == 1:
        return []
    return [
        f"tts/parts/{speech.digest}/{number}.{synthesis.suffix}"
        for number, _ in enumerate(synthesis.passages, 1)
    ]
