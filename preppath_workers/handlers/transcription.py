"""Transcription: turns the recording of an interview into text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..clients.services import Services
from . import transcription_records
from .data import identifier, note_unknown, optional_language
from .kind import Attempt
from .listening import hear


def handle(attempt: Attempt, services: Services) -> Mapping[str, Any]:
    """Data: `{recordingId, userId}`, and `language` (ISO 639-1) where it is known.
    Result: `{recordingId, characters, duration, cached}`, with `silentSeconds` if so much was silent and not
    sent, and `doubtfulSegments` if so many were left out, because the model doubts that anything was said.

    `duration` is in seconds, or null where nobody knows it. `cached` says that the recording was
    transcribed already: then nothing was fetched or paid for.
    """
    note_unknown(attempt.data, "recordingId", "userId", "language")
    recording_id = identifier(attempt.data, "recordingId")
    user_id = identifier(attempt.data, "userId")
    language = optional_language(attempt.data, "language")

    recording = transcription_records.find(services.database, recording_id, user_id)
    if transcription_records.is_transcribed(recording):
        return _result(recording, cached=True)
    attempt.progress(10)

    heard = attempt.once("transcript", lambda: hear(attempt, services, recording, language))
    attempt.progress(90)

    saved = transcription_records.save(
        services.database, recording_id, heard["text"], heard["duration"], attempt.confirm
    )
    left_out = {name: heard.get(name) for name in ("silentSeconds", "doubtfulSegments") if heard.get(name)}
    return {**_result(saved, cached=False), **left_out}


def _result(recording: Mapping[str, Any], cached: bool) -> Mapping[str, Any]:
    duration = recording["duration"]
    return {
        "recordingId": recording["id"],
        "characters": len(recording["transcription"]),
        "duration": None if duration is None else float(duration),  # a numeric column's is a Decimal
        "cached": cached,
    }
