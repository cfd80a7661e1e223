"""Text to speech: speaks the question of an interview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..clients.database import Database
from ..clients.services import Services
from ..errors import PermanentError
from .data import identifier, text
from .kind import Attempt

#: Longest text, characters. It takes up to five requests, which the queue's rate limit counts as one job.
MAX_TEXT = 20_000
#: Seconds that the signed URL is good for: 7 days.
URL_SECONDS = 7 * 86_400


def handle(attempt: Attempt, services: Services) -> Mapping[str, Any]:
    """Data: `{questionId, text}`. Result: `{questionId, key, url, bytes}`.

    The key outlives the URL: whoever needs the audio after 7 days signs a new URL for it.
    """
    question_id = identifier(attempt.data, "questionId")
    words = text(attempt.data, "text", MAX_TEXT)

    _check_exists(services.database, question_id)
    attempt.progress(10)

    audio = services.openai.speak(words)
    attempt.progress(60)

    key = f"tts/{question_id}.mp3"
    services.storage.upload(key, audio, "audio/mpeg")
    url = services.storage.signed_url(key, URL_SECONDS)
    attempt.progress(90)

    _save(services.database, question_id, url)
    return {"questionId": question_id, "key": key, "url": url, "bytes": len(audio)}


def _check_exists(database: Database, question_id: str) -> None:
    with database.transaction() as cursor:
        cursor.execute('SELECT FROM interview_questions WHERE "id" = %s', [question_id])
        if not cursor.rowcount:
            raise PermanentError(f"there is no question {question_id!r}")


def _save(database: Database, question_id: str, url: str) -> None:
    with database.transaction() as cursor:
        cursor.execute(
            'UPDATE interview_questions SET "audioUrl" = %s, "ttsGenerated" = true, '
            '"updatedAt" = CURRENT_TIMESTAMP WHERE "id" = %s',
            [url, question_id],
        )
        if not cursor.rowcount:
            raise PermanentError(f"question {question_id!r} was deleted while it was spoken")
