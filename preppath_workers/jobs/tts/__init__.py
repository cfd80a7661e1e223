"""Text to speech: speaks the question of an interview."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...clients.postgres.client import Database
from ...clients.s3.keys import key_segment
from ...clients.services import Services
from ...config.openai_speech import SPEEDS
from ...errors import PermanentError
from ...registry import JobContext
from ..validation import identifier, note_unknown, optional_number, optional_text, text
from .speech import Speech, synthesize

#: Longest text, characters. It takes five requests or a few more, each within the queue's rate limit.
MAX_TEXT = 20_000
#: Longest name of a voice and longest instructions, characters. The latter is OpenAI's (API reference).
MAX_VOICE, MAX_INSTRUCTIONS = 100, 4_096
#: Seconds that the signed URL is good for: 7 days.
URL_SECONDS = 7 * 86_400


def handle(context: JobContext, services: Services) -> Mapping[str, Any]:
    """Data: `{questionId, text}`, and, as far as the configured ones are not wanted, `voice`, `speed` (0.25
    to 1.5; to 4 with /v1/audio/speech) and `instructions` on how to speak.
    Result: `{questionId, key, url, bytes, duration, cached, parts, retries, usage}`.

    The key outlives the URL: whoever needs the audio after 7 days signs a new URL for it. `duration` is in
    seconds, or null for what is no plain MP3. `cached` says that this very speech was there already: then
    nothing was paid for, and only the URL is new. `parts` tells in how many requests the text was spoken,
    and `retries` how many of them were made again because the model had not read word for word; `usage` are
    the tokens of all of them, or null if the API does not tell.
    """
    note_unknown(context.data, "questionId", "text", "voice", "speed", "instructions")
    question_id = identifier(context.data, "questionId")
    words = text(context.data, "text", MAX_TEXT)
    voice = optional_text(context.data, "voice", MAX_VOICE)
    speed = optional_number(context.data, "speed", *SPEEDS["speech"])
    instructions = optional_text(context.data, "instructions", MAX_INSTRUCTIONS)

    speech = Speech.of(services.openai.config, words, voice, speed, instructions)
    _check_exists(services.database, question_id)
    context.progress(10)

    key = f"tts/{key_segment(question_id)}.mp3"
    stored = synthesize(context, services, speech, key)
    url = services.storage.signed_url(key, URL_SECONDS)
    context.progress(90)

    _save(services.database, question_id, url, stored.duration, context.check_lease)
    return {
        "questionId": question_id,
        "key": key,
        "url": url,
        "bytes": stored.size,
        "duration": stored.duration,
        "cached": stored.cached,
        "parts": stored.parts,
        "retries": stored.retries,
        "usage": stored.usage,
    }


def _check_exists(database: Database, question_id: str) -> None:
    with database.transaction() as cursor:
        cursor.execute('SELECT FROM interview_questions WHERE "id" = %s', [question_id])
        if not cursor.rowcount:
            raise PermanentError(f"there is no question {question_id!r}")


def _save(
    database: Database, question_id: str, url: str, duration: float | None, check_lease: Callable[[], None]
) -> None:
    with database.transaction() as cursor:
        cursor.execute(
            'UPDATE interview_questions SET "audioUrl" = %s, "audioDuration" = %s, "ttsGenerated" = true, '
            '"updatedAt" = CURRENT_TIMESTAMP WHERE "id" = %s',
            [url, duration, question_id],
        )
        if not cursor.rowcount:
            raise PermanentError(f"question {question_id!r} was deleted while it was spoken")
        check_lease()
