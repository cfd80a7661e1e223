"""Hears a recording: fetches it, and has it transcribed whole, or in parts where it is too much at once.

Its first bytes decide about the format. ffmpeg, if that is installed, decodes what OpenAI does not take, and
finds silence, which is not sent at all.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import IO, Any

from ..clients import ffmpeg, sound
from ..clients.audio_format import AudioFormat, audio_format
from ..clients.machine import temporary_file
from ..clients.openai_models import MAX_AUDIO_BYTES, longest_audio
from ..clients.services import Services
from ..errors import PermanentError
from ..log import facts
from .data import storable
from .kind import Attempt
from .paid import PaidRequests
from .parts import is_silent, join, starts

logger = logging.getLogger(__name__)

#: Seconds of a part at most: 19 MB of the sound that `ffmpeg.cut` writes.
PART_SECONDS = 600.0
#: Bytes of the largest recording that is fetched at all: two hours of a studio's WAV.
MAX_RECORDING_BYTES = 2 * 1024**3
#: Seconds of the longest recording that is heard in parts. Each part is paid for, and a few bytes can claim
#: to play for years.
MAX_RECORDING_SECONDS = 8 * 3_600.0


def hear(
    attempt: Attempt, services: Services, recording: Mapping[str, Any], language: str | None
) -> dict[str, Any]:
    """What is said in the recording: `{text, duration, silentSeconds, doubtfulSegments}`. The duration is in
    seconds or null; the last two count what was not sent because it is silent, and what was left out because
    the model itself doubts that it was said.

    Raises PermanentError for a recording that can not be transcribed, with the reason.
    """
    key = recording["filename"]
    size = services.storage.size(key)
    most = MAX_RECORDING_BYTES if ffmpeg.installed() else MAX_AUDIO_BYTES
    if not 0 < size <= most:
        raise PermanentError(
            f"recording {recording['id']} has {size} bytes; 1 to {most} can be transcribed"
            + ("" if ffmpeg.installed() else ", more where ffmpeg is installed")
        )
    # The file has no name: whatever way this process ends, the disk space is free again.
    with temporary_file() as audio:
        services.storage.download(key, audio)
        attempt.progress(30)
        found = audio_format(audio)
        duration = sound.seconds(audio)
        if not found or not found.extension:
            _require_ffmpeg(found)
        elif size <= MAX_AUDIO_BYTES and not _is_too_long(services, duration):
            return _hear_whole(services, audio, found, duration, language)
        return _hear_parts(attempt, services, audio, duration, language)


def _require_ffmpeg(found: AudioFormat | None) -> None:
    if not ffmpeg.installed():
        name = found.name if found else "unknown, by its first bytes"
        raise PermanentError(
            f"the recording's format is {name}; OpenAI does not take it, and ffmpeg, which would convert it, "
            "is not installed"
        )


def _is_too_long(services: Services, duration: float | None) -> bool:
    longest = longest_audio(services.openai.config.transcription.model)
    return duration is not None and longest is not None and duration > longest


def _hear_whole(
    services: Services, audio: IO[bytes], found: AudioFormat, duration: float | None, language: str | None
) -> dict[str, Any]:
    if duration and is_silent(_silences(audio), 0.0, duration):
        return _heard("", duration, duration, 0)
    audio.seek(0)
    # The user's own name for the file is not told to the vendor.
    name, mime_type = f"recording{found.extension}", found.mime_type or ""
    transcript = services.openai.transcribe(audio, name, mime_type, language)
    return _heard(storable(transcript.text), transcript.duration or duration, 0.0, transcript.doubtful)


def _silences(audio: IO[bytes]) -> list[ffmpeg.Span]:
    try:
        return ffmpeg.silences(audio) if ffmpeg.installed() else []
    except PermanentError as error:  # the vendor may still read it
        logger.debug("ffmpeg cannot read a recording", extra=facts(error=str(error)))
        return []


def _hear_parts(
    attempt: Attempt, services: Services, audio: IO[bytes], duration: float | None, language: str | None
) -> dict[str, Any]:
    if not ffmpeg.installed():
        raise PermanentError(
            f"the recording plays {duration:.0f} s, more than the model takes at once; ffmpeg, which would "
            "cut it into parts, is not installed"
        )
    if duration is None:
        raise PermanentError("ffmpeg finds no sound in the recording")
    if duration > MAX_RECORDING_SECONDS:
        raise PermanentError(
            f"the recording plays {duration:.0f} s; at most {MAX_RECORDING_SECONDS:.0f} s can be transcribed"
        )
    # Kept, because part 2 must begin where part 1 ended, on whatever machine the job goes on.
    begins = attempt.once("parts", lambda: starts(duration, ffmpeg.pauses(audio), PART_SECONDS))
    silences = ffmpeg.silences(audio)
    requests, texts, silent, doubtful = PaidRequests(attempt), [], 0.0, 0
    for number, (begin, end) in enumerate(zip(begins, [*begins[1:], duration], strict=True), 1):
        if is_silent(silences, begin, end):
            silent += end - begin
            continue
        request = partial(_hear_part, services, audio, begin, end - begin, language)
        part = attempt.once(f"heard-{number}", partial(requests.make, request))
        texts.append(part["text"])
        doubtful += part["doubtful"]
        attempt.progress(30 + 60 * number // len(begins))
    return _heard(join(texts), duration, silent, doubtful)


def _hear_part(
    services: Services, audio: IO[bytes], begin: float, length: float, language: str | None
) -> dict[str, Any]:
    with temporary_file() as part:
        ffmpeg.cut(audio, begin, length, part)
        transcript = services.openai.transcribe(part, "part.wav", "audio/wav", language)
        return {"text": storable(transcript.text), "doubtful": transcript.doubtful}


def _heard(text: str, duration: float | None, silent: float, doubtful: int) -> dict[str, Any]:
    return {
        "text": text,
        "duration": duration,
        "silentSeconds": round(silent, 1),
        "doubtfulSegments": doubtful,
    }
