"""Speaks a text and stores it, and pays for no word twice.

The stored object is the checkpoint: it carries the digest of what was spoken and how. Of a text that takes
several requests, each part is stored too until the whole is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import partial

from ..clients import mp3
from ..clients.openai import Manner
from ..clients.openai_models import MAX_SPEECH_INPUT, VOICES, is_openai
from ..clients.passages import passages
from ..clients.services import Services
from ..clients.storage import Storage, Stored
from ..errors import InvalidJob
from ..settings import OpenAIConfig
from .kind import Attempt
from .paid import PaidRequests

MIME_TYPE = "audio/mpeg"


@dataclass(frozen=True)
class Speech:
    """What is spoken, by which model, and how."""

    text: str
    model: str
    manner: Manner

    @classmethod
    def of(
        cls, config: OpenAIConfig, text: str, voice: str | None, speed: float | None, instructions: str | None
    ) -> Speech:
        """What a job asks for, the configured voice where it names none. Raises InvalidJob for a voice that
        OpenAI does not have; other vendors have others."""
        if voice is not None and is_openai(config.speech.base_url) and voice not in VOICES:
            raise InvalidJob(f"voice must be one of {', '.join(VOICES)}")
        return cls(text, config.speech.model, Manner(voice or config.speech_voice, speed, instructions))

    @property
    def digest(self) -> str:
        """The SHA-256, in hexadecimal, of everything that the sound depends on."""
        told = json.dumps([self.text, self.model, *astuple(self.manner)], ensure_ascii=True)
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True)
class Recorded:
    """A stored speech: its size, bytes, its duration, seconds, and whether it was there already."""

    size: int
    duration: float | None
    cached: bool


def speak(attempt: Attempt, services: Services, speech: Speech, key: str) -> Recorded:
    """Stores the speech under the key, unless it is there already."""
    storage, pieces = services.storage, passages(speech.text, MAX_SPEECH_INPUT)
    found = storage.find(key)
    cached = found is not None and found.metadata.get("sha256") == speech.digest
    recorded = _known(found) if found and cached else _record(attempt, services, speech, pieces, key)
    for part in _part_keys(speech, pieces):
        storage.delete(part)
    return recorded


def _known(found: Stored) -> Recorded:
    seconds = re.fullmatch(r"\d{1,9}(\.\d{1,9})?", found.metadata.get("seconds", ""), re.ASCII)
    return Recorded(found.size, float(seconds[0]) if seconds else None, cached=True)


def _record(attempt: Attempt, services: Services, speech: Speech, pieces: list[str], key: str) -> Recorded:
    requests, keys, parts = PaidRequests(attempt), _part_keys(speech, pieces), []
    pay = [partial(requests.make, partial(services.openai.speak, piece, speech.manner)) for piece in pieces]
    store = partial(_store, services.storage, key, speech)
    if not keys:
        audio = attempt.keep(speech.digest, pay[0], store)
    else:
        for number, part_key in enumerate(keys):
            parts.append(_kept(attempt, services.storage, part_key, pay[number]))
            attempt.progress(10 + 60 * len(parts) // len(pieces))
        # Players take MP3s put end to end for one: an MP3 is a row of frames that stand alone.
        audio = b"".join(parts)
        store(audio)
    duration = mp3.seconds(audio)
    return Recorded(len(audio), None if duration is None else round(duration, 3), cached=False)


def _store(storage: Storage, key: str, speech: Speech, audio: bytes) -> None:
    duration = mp3.seconds(audio)
    metadata = {"sha256": speech.digest} | ({} if duration is None else {"seconds": f"{duration:.3f}"})
    storage.upload(key, audio, MIME_TYPE, metadata)


def _kept(attempt: Attempt, storage: Storage, key: str, pay: Callable[[], bytes]) -> bytes:
    """The part that an earlier attempt has stored, or a new one."""
    part = storage.read(key)
    return part or attempt.keep(key, pay, lambda audio: storage.upload(key, audio, MIME_TYPE))


def _part_keys(speech: Speech, pieces: list[str]) -> list[str]:
    """Where the parts of a speech are kept until the whole is stored; none for a speech in one piece."""
    if len(pieces) == 1:
        return []
    return [f"tts/parts/{speech.digest}/{number}.mp3" for number, _ in enumerate(pieces, 1)]
