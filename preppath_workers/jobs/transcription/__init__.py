"""Transcription: turn the recording of an interview into text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...clients.services import Services
from ...registry import JobContext
from ..validation import identifier, log_unknown_fields, optional_language
from . import records
from .audio import transcribe


def handle(context: JobContext, services: Services) -> Mapping[str, Any]:
    """Transcribe a recording and store the text.

    Data: `{recordingId, userId}`, and optionally `language` (ISO 639-1).
    Result: `{recordingId, characters, duration, cached}`, and, if not 0, `silentSeconds` and
    `doubtfulSegments`.

    `characters`: the length of the text. `duration`: the recording's, in seconds, or null if unknown.
    `cached`: the recording was transcribed before, so nothing was downloaded or paid for. `silentSeconds`:
    parts that are silent and were not sent to the model. `doubtfulSegments`: segments omitted from the text,
    because the model itself reports that probably nothing was said there.
    """
    log_unknown_fields(context.data, "recordingId", "userId", "language")
    recording_id = identifier(context.data, "recordingId")
    user_id = identifier(context.data, "userId")
    language = optional_language(context.data, "language")

    recording = records.find(services.database, recording_id, user_id)
    if recording is None:
        context.not_found(f"recording {recording_id!r} does not exist")
    if records.is_transcribed(recording):
        return _result(recording, cached=True)
    context.progress(10)

    transcript = context.step("transcript", lambda: transcribe(context, services, recording, language))
    context.progress(90)

    saved = records.save(
        services.database, recording_id, transcript["text"], transcript["duration"], context.check_lease
    )
    omitted = {
        name: transcript[name] for name in ("silentSeconds", "doubtfulSegments") if transcript.get(name)
    }
    return {**_result(saved, cached=False), **omitted}


def _result(recording: Mapping[str, Any], cached: bool) -> Mapping[str, Any]:
    known = recording["duration"]
    duration = None if known is None else float(known)  # a Decimal, if the column is of that type
    return {
        "recordingId": recording["id"],
        "characters": len(recording["transcription"]),
        # Browsers report Infinity for what they have just recorded, and producers store it.
        "duration": duration if duration is not None and math.isfinite(duration) else None,
        "cached": cached,
    }
