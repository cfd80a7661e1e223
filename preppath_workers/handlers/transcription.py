"""Transcription: turns the recording of an interview into text."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import Any

from ..clients.database import Database
from ..clients.openai import MAX_AUDIO_BYTES, Transcript
from ..clients.services import Services
from ..errors import PermanentError
from .data import identifier, storable
from .kind import Attempt

#: The endings by which OpenAI knows a format (its guide "Speech to text").
FORMATS = frozenset({".flac", ".mp3", ".mp4", ".mpeg", ".mpga", ".m4a", ".ogg", ".wav", ".webm"})


def handle(attempt: Attempt, services: Services) -> Mapping[str, Any]:
    """Data: `{recordingId, userId}`. Result: `{recordingId, characters, duration, cached}`.

    `duration` is in seconds, or null where nobody knows it. `cached` says that the recording was
    transcribed already: then nothing was fetched or paid for.
    """
    recording_id = identifier(attempt.data, "recordingId")
    user_id = identifier(attempt.data, "userId")

    recording = _find(services.database, recording_id, user_id)
    if recording["transcribed"] and recording["transcription"] is not None:
        return _result(recording_id, recording["transcription"], recording["duration"], cached=True)
    attempt.progress(10)

    transcript = _transcribe(attempt, services, recording)
    words = storable(transcript.text)
    attempt.progress(90)

    duration = _save(services.database, recording_id, words, transcript.duration)
    return _result(recording_id, words, duration, cached=False)


def _transcribe(attempt: Attempt, services: Services, recording: Mapping[str, Any]) -> Transcript:
    key = recording["filename"]
    size = services.storage.size(key)
    if not 0 < size <= MAX_AUDIO_BYTES:
        raise PermanentError(
            f"recording {recording['id']} has {size} bytes; 1 to {MAX_AUDIO_BYTES} can be transcribed"
        )
    # The file has no name: whatever way this process ends, the disk space is free again.
    with TemporaryFile() as audio:
        services.storage.download(key, audio)
        attempt.progress(40)
        audio.seek(0)
        mime_type = (recording["mimeType"] or "application/octet-stream").partition(";")[0].strip()
        name = _audio_name((recording["originalName"] or "", key), mime_type)
        return services.openai.transcribe(audio, name, mime_type)


def _audio_name(names: tuple[str, ...], mime_type: str) -> str:
    """A file name that tells the format: by the first name with an ending that OpenAI knows, else by the
    MIME type. The user's own name for the file is nobody else's business."""
    endings = [PurePosixPath(name).suffix.lower() for name in names]
    subtype = "." + mime_type.lower().rpartition("/")[2].removeprefix("x-")
    endings += [subtype, mimetypes.guess_extension(mime_type) or ""]
    return "recording" + next((ending for ending in endings if ending in FORMATS), ".webm")


def _find(database: Database, recording_id: str, user_id: str) -> Mapping[str, Any]:
    with database.transaction() as cursor:
        cursor.execute(
            'SELECT "id", "userId", filename, "originalName", "mimeType", duration, transcribed, '
            'transcription FROM interview_recordings WHERE "id" = %s',
            [recording_id],
        )
        recording = cursor.fetchone()
    if recording is None:
        raise PermanentError(f"there is no recording {recording_id!r}")
    if recording["userId"] != user_id:
        raise PermanentError(f"recording {recording_id!r} is not of user {user_id!r}")
    return recording


def _save(database: Database, recording_id: str, words: str, duration: float | None) -> float | None:
    """Stores the transcript, and the duration where it is known. Returns the duration that is stored."""
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE interview_recordings SET transcribed = true, transcription = %s, "
            'duration = COALESCE(%s, duration), "transcribedAt" = CURRENT_TIMESTAMP '
            'WHERE "id" = %s RETURNING duration',
            [words, duration, recording_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise PermanentError(f"recording {recording_id!r} was deleted while it was transcribed")
    stored: float | None = row["duration"]
    return stored


def _result(recording_id: str, words: str, duration: float | None, cached: bool) -> Mapping[str, Any]:
    return {
        "recordingId": recording_id,
        "characters": len(words),
        "duration": None if duration is None else float(duration),  # a numeric column's is a Decimal
        "cached": cached,
    }
