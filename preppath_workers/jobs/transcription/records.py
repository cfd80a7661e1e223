"""The rows that a transcription reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...clients.postgres.client import Cursor, Database
from ...errors import PermanentError


def find(database: Database, recording_id: str, user_id: str) -> Mapping[str, Any] | None:
    """Return the recording, or None. Raises PermanentError if it belongs to another user."""
    with database.transaction() as cursor:
        recording = _recording(cursor, recording_id)
    if recording and recording["userId"] != user_id:
        raise PermanentError(f"recording {recording_id!r} does not belong to user {user_id!r}")
    return recording


def is_transcribed(recording: Mapping[str, Any]) -> bool:
    """Return whether the recording has a transcript."""
    return bool(recording["transcribed"]) and recording["transcription"] is not None


def save(
    database: Database, recording_id: str, text: str, duration: float | None, check_lease: Callable[[], None]
) -> Mapping[str, Any]:
    """Store the transcript, and the duration if it is known; call `check_lease` before the commit.

    Returns the stored recording. A recording is transcribed once: an existing transcript is kept. Raises
    PermanentError if the recording was deleted meanwhile.
    """
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE interview_recordings SET transcribed = true, transcription = %s, "
            'duration = COALESCE(%s, duration), "transcribedAt" = CURRENT_TIMESTAMP '
            'WHERE "id" = %s AND NOT (transcribed AND transcription IS NOT NULL)',
            [text, duration, recording_id],
        )
        recording = _recording(cursor, recording_id)
        if recording is None:
            raise PermanentError(f"recording {recording_id!r} was deleted during the transcription")
        check_lease()
    return recording


def _recording(cursor: Cursor, recording_id: str) -> Mapping[str, Any] | None:
    cursor.execute(
        'SELECT "id", "userId", filename, "originalName", "mimeType", duration, transcribed, transcription '
        'FROM interview_recordings WHERE "id" = %s',
        [recording_id],
    )
    return cursor.fetchone()
