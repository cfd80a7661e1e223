"""Text to speech: synthesize an interview question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...clients.postgres.client import Database
from ...clients.s3.keys import key_segment
from ...clients.services import Services
from ...config.openai_speech import SPEEDS
from ...errors import PermanentError
from ...registry import JobContext
from ..validation import identifier, log_unknown_fields, optional_number, optional_text, text
from .speech import Speech, synthesize

#: Longest text, characters. Each request that it takes acquires a token of the queue's rate limit.
MAX_TEXT = 20_000
#: Longest name of a voice, and OpenAI's longest instructions (API reference), characters.
MAX_VOICE, MAX_INSTRUCTIONS = 100, 4_096
#: Validity of the signed URL, seconds: 7 days, the most that S3 allows.
URL_SECONDS = 7 * 86_400


def handle(context: JobContext, services: Services) -> Mapping[str, Any]:
    """Synthesize a text, store it in S3 and save its URL.

    Data: `{questionId, text}`, and optionally `voice`, `speed` (0.25 to 1.5; to 4 with /v1/audio/speech) and
    `instructions` on how to speak, in place of the configured voice and the defaults.
    Result: `{questionId, key, url, bytes, duration, cached, parts, retries, usage}`.

    `key`: the S3 object; sign a new URL for it after `url` expires (7 days). `duration`: in seconds, or null
    if it cannot be determined. `cached`: the same speech was stored before, so nothing was paid for and only
    the URL is new. `parts`: number of passages that the text was split into, one request for each that has
    words. `retries`: requests repeated because the model did not read word for word. `usage`: `{inputTokens,
    cachedTokens, outputTextTokens, outputAudioTokens}` of all requests, or null if the API reports none.
    """
    log_unknown_fields(context.data, "questionId", "text", "voice", "speed", "instructions")
    question_id = identifier(context.data, "questionId")
    speech = speech_of(context.data, services)
    if not _exists(services.database, question_id):
        context.not_found(f"question {question_id!r} does not exist")
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


def speech_of(data: Mapping[str, Any], services: Services) -> Speech:
    """Return the speech that a job's data asks for. Raises InvalidJob."""
    words = text(data, "text", MAX_TEXT)
    voice = optional_text(data, "voice", MAX_VOICE)
    speed = optional_number(data, "speed", *SPEEDS["speech"])
    instructions = optional_text(data, "instructions", MAX_INSTRUCTIONS)
    return Speech.of(services.openai.config, words, voice, speed, instructions)


def _exists(database: Database, question_id: str) -> bool:
    with database.transaction() as cursor:
        cursor.execute('SELECT FROM interview_questions WHERE "id" = %s', [question_id])
        return bool(cursor.rowcount)


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
