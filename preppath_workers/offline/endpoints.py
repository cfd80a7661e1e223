"""What each endpoint does with the engines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .api.chat import chat_request, completion
from .api.errors import ApiError
from .api.http import Request, Response, json_response
from .api.realtime_events import events, text_of
from .api.speech import speech_request
from .api.transcription import Segment, check_length, transcription_request, transcription_response
from .engines.encoding import CONTENT_TYPES, encode
from .engines.recognition import UnknownLanguage, UnreadableAudio
from .engines.synthesis import RATE
from .grading.evaluation import reply_schema
from .grading.feedback import evaluation
from .grading.prompt import read_exam
from .grading.scores import score
from .loading import Engines
from .models import MODELS

#: The reply to a chat that isn't an evaluation.
_NO_EVALUATION = (
    "This is an offline stand-in for a language model. It grades answers to interview questions, in the "
    "prompt of preppath-workers, and cannot hold a conversation."
)


def transcribe(engines: Engines, request: Request) -> Response:
    """`POST /v1/audio/transcriptions`. Raises ApiError."""
    wanted = transcription_request(request, MODELS)
    try:
        samples = engines.recognizer.decode(wanted.file)
    except UnreadableAudio:
        message = "Audio file might be corrupted or unsupported"
        raise ApiError(400, message, "invalid_value", "file") from None
    check_length(engines.recognizer.seconds(samples))
    try:
        found = engines.recognizer.transcribe(samples, wanted.language)
    except UnknownLanguage as error:
        message = f"{engines.recognizer.description} does not know the language '{error}'."
        raise ApiError(400, message, "unsupported_language", "language") from None
    segments = [Segment(**fields) for fields in found.segments]
    return transcription_response(wanted, found.seconds, segments, found.text, found.language)


def speak(engines: Engines, request: Request) -> Response:
    """`POST /v1/audio/speech`. Raises ApiError."""
    wanted = speech_request(request.json, MODELS, [*CONTENT_TYPES])
    samples = b"".join(engines.synthesizer.speak(wanted.text, wanted.voice, wanted.speed))
    return Response(encode(samples, RATE, wanted.kind), content_type=CONTENT_TYPES[wanted.kind])


def speak_realtime(engines: Engines, wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the events of a Realtime response that reads the text of its input aloud. Raises ApiError."""
    if wanted.get("output_modalities", ["audio"]) != ["audio"]:
        message = "This server speaks only: expected ['audio']."
        raise ApiError(400, message, "invalid_value", "response.output_modalities")
    text, output = text_of(wanted), wanted["audio"]["output"]
    sound = engines.synthesizer.speak(text, output["voice"], output.get("speed", 1.0))
    yield from events(wanted, text, sound)


def grade(engines: Engines, request: Request) -> Response:
    """`POST /v1/chat/completions`. Raises ApiError."""
    chat = chat_request(request.json, MODELS, reply_schema)
    exam = read_exam(chat.by_user)
    if exam is None:
        content = chat.content(lambda name: None, _NO_EVALUATION)
    else:
        found = evaluation(score(exam, engines.embedder.similarity))
        content = chat.content(found.suggest, found.feedback)
    return json_response(completion(chat, content, engines.embedder.count_tokens))
