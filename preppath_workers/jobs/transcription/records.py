"""The rows that a transcription reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...clients.postgres.client import Cursor, Database
from ...errors import PermanentError


def find(database: Database, recording_id: str, user_id: str) -> Mapping[str, Any]:
    """The recording. Raises PermanentError when it does not exist or is another user's."""
    with database.transaction() as cursor:
        recording = _recording(cursor, recording_id)
    if recording is None:
        raise PermanentError(f"there is no recording {recording_id!r}")
    if recording["userId"] != user_id:
        raise PermanentError(f"recording {recording_id!r} is not of user {user_id!r}")
    return recording


def is_transcribed(recording: Mapping[str, Any]) -> bool:
    return bool(recording["transcribed"]) and recording["transcription"] is not None


def save(
    database: Database, recording_id: str, words: str, duration: float | None, check_lease: Callable[[], None]
) -> Mapping[str, Any]:
    """Stores the transcript, and the duration where it is known; calls `check_lease` before the commit.
    Returns
    the recording.

    A recording is transcribed once. If another worker was faster, its transcript stands.
    """
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE interview_recordings SET transcribed = true, transcription = %s, "
            'duration = COALESCE(%s, duration), "transcribedAt" = CURRENT_TIMESTAMP '
            'WHERE "id" = %s AND NOT (transcribed AND transcription IS NOT NULL)',
            [words, duration, recording_id],
        )
        recording = _recording(cursor, recording_id)
        if recording is None:
            raise PermanentError(f"recording {recording_id!r} was deleted while it was transcribed")
        check_lease()
    return recording


def _recording(cursor: Cursor, recording_id: str) -> Mapping[str, Any] | None:
    cursor.execute(
        'SELECT "id", "userId", filename, "originalName", "mimeType", duration, transcribed, transcription '
        'FROM interview_recordings WHERE "id" = %s',
        [recording_id],
    )
    return cursor.fetchone()
