"""Transcription: turns the recording of an interview into text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...clients.services import Services
from ...registry import JobContext
from ..validation import identifier, note_unknown, optional_language
from . import records
from .audio import transcribe


def handle(context: JobContext, services: Services) -> Mapping[str, Any]:
    """Data: `{recordingId, userId}`, and `language` (ISO 639-1) where it is known.
    Result: `{recordingId, characters, duration, cached}`, with `silentSeconds` if so much was silent and not
    sent, and `doubtfulSegments` if so many were left out, because the model doubts that anything was said.

    `duration` is in seconds, or null where nobody knows it. `cached` says that the recording was
    transcribed already: then nothing was fetched or paid for.
    """
    note_unknown(context.data, "recordingId", "userId", "language")
    recording_id = identifier(context.data, "recordingId")
    user_id = identifier(context.data, "userId")
    language = optional_language(context.data, "language")

    recording = records.find(services.database, recording_id, user_id)
    if records.is_transcribed(recording):
        return _result(recording, cached=True)
    context.progress(10)

    heard = context.step("transcript", lambda: transcribe(context, services, recording, language))
    context.progress(90)

    saved = records.save(
        services.database, recording_id, heard["text"], heard["duration"], context.check_lease
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
