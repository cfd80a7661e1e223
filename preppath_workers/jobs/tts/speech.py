"""Speaks a text and stores it, and pays for no word twice.

The stored object is the checkpoint: it carries the digest of what was spoken and how. Of a text that takes
several requests, each part is stored too until the whole is.
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
from ...clients.s3.client import ObjectInfo, Storage
from ...clients.services import Services
from ...config.model import OpenAIConfig
from ...config.openai_speech import SPEEDS, voice_problem
from ...errors import InvalidJob
from ...registry import JobContext
from ..paid_requests import PaidRequests
from .speakers import Speaker, Spent, speaker

MIME_TYPE = "audio/mpeg"


@dataclass(frozen=True)
class Speech:
    """What is spoken, by which model, and how."""

    text: str
    model: str
    options: SpeechOptions

    @classmethod
    def of(
        cls, config: OpenAIConfig, text: str, voice: str | None, speed: float | None, instructions: str | None
    ) -> Speech:
        """What a job asks for, the configured voice where it names none. Raises InvalidJob for a voice or a
        speed that the API does not have; other vendors have other voices."""
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
        """The SHA-256, in hexadecimal, of everything that the sound depends on."""
        told = json.dumps([self.text, self.model, *astuple(self.options)], ensure_ascii=True)
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True)
class StoredSpeech:
    """A stored speech: its size, bytes, its duration, seconds, and whether it was there already; in how many
    parts it was spoken, how many of them again, and the tokens used, None if not told."""

    size: int
    duration: float | None
    cached: bool
    parts: int
    retries: int = 0
    usage: Mapping[str, int] | None = None


def synthesize(context: JobContext, services: Services, speech: Speech, key: str) -> StoredSpeech:
    """Stores the speech under the key, unless it is there already."""
    storage = services.storage
    with speaker(services.openai, PaidRequests(context), speech.text, speech.options) as voice:
        keys = _part_keys(speech, voice)
        found = storage.find(key)
        cached = found is not None and found.metadata.get("sha256") == speech.digest
        if found and cached:
            recorded = StoredSpeech(found.size, _seconds(found), cached=True, parts=len(voice.pieces))
        else:
            recorded = _synthesize(context, storage, speech, voice, key)
    for part in keys:
        storage.delete(part)
    return recorded


def _seconds(found: ObjectInfo) -> float | None:
    seconds = re.fullmatch(r"\d{1,9}(\.\d{1,9})?", found.metadata.get("seconds", ""), re.ASCII)
    return float(seconds[0]) if seconds else None


def _synthesize(
    context: JobContext, storage: Storage, speech: Speech, voice: Speaker, key: str
) -> StoredSpeech:
    keys = _part_keys(speech, voice)
    spent = Spent()

    def whole() -> bytes:
        nonlocal spent
        part, spent = voice.speak(voice.pieces[0])
        return voice.join([part])

    store = partial(_store, storage, key, speech)
    if not keys:
        audio = context.keep(speech.digest, whole, store)
    else:
        parts = []
        for piece, part_key in zip(voice.pieces, keys, strict=True):
            part, more = _stored_or_new(context, storage, part_key, voice, piece)
            parts.append(part)
            spent += more
            context.progress(10 + 60 * len(parts) // len(keys))
        audio = voice.join(parts)
        store(audio)
    duration = mp3.seconds(audio)
    return StoredSpeech(
        size=len(audio),
        duration=None if duration is None else round(duration, 3),
        cached=False,
        parts=len(voice.pieces),
        retries=spent.retries,
        usage=spent.usage.as_result() if spent.usage else None,
    )


def _store(storage: Storage, key: str, speech: Speech, audio: bytes) -> None:
    duration = mp3.seconds(audio)
    metadata = {"sha256": speech.digest} | ({} if duration is None else {"seconds": f"{duration:.3f}"})
    storage.upload(key, audio, MIME_TYPE, metadata)


def _stored_or_new(
    context: JobContext, storage: Storage, key: str, voice: Speaker, piece: str
) -> tuple[bytes, Spent]:
    """The part that an earlier attempt has stored, or a new one, and what it took."""
    part = storage.read(key)
    if part:
        stored = storage.find(key)
        return part, Spent.of(stored.metadata if stored else {})
    spent = Spent()

    def pay() -> bytes:
        nonlocal spent
        sound, spent = voice.speak(piece)
        return sound

    def store(sound: bytes) -> None:
        storage.upload(key, sound, voice.mime_type, spent.as_metadata() if spent.usage else None)

    return context.keep(key, pay, store), spent


def _part_keys(speech: Speech, voice: Speaker) -> list[str]:
    """Where the parts of a speech are kept until the whole is stored; none for a speech in one piece."""
    if len(voice.pieces) == 1:
        return []
    return [f"tts/parts/{speech.digest}/{number}.{voice.ending}" for number, _ in enumerate(voice.pieces, 1)]
