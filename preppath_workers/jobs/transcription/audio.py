"""Download a recording and transcribe it: as it is, or converted and in parts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import IO, Any

from ...clients.audio import duration as sound
from ...clients.audio import ffmpeg
from ...clients.audio.format import AudioFormat, audio_format
from ...clients.machine import temporary_file
from ...clients.openai.models import MAX_AUDIO_BYTES, longest_audio
from ...clients.postgres.text import storable
from ...clients.services import Services
from ...errors import PermanentError
from ...log import fields
from ...registry import JobContext
from ..steps import stored
from .in_parts import transcribe_parts
from .parts import is_silent
from .transcript import transcript

logger = logging.getLogger(__name__)

#: Largest recording that is downloaded, bytes: two hours of studio WAV.
MAX_RECORDING_BYTES = 2 * 1024**3


def transcribe(
    context: JobContext, services: Services, recording: Mapping[str, Any], language: str | None
) -> dict[str, Any]:
    """Return the transcript.

    Raises PermanentError, with the reason, if the recording cannot be transcribed.
    """
    key = recording["filename"]
    if not key:
        context.not_found(f"recording {recording['id']!r} has no filename")
    most = MAX_RECORDING_BYTES if ffmpeg.installed() else MAX_AUDIO_BYTES
    stored_audio = services.storage.find(key)
    if stored_audio is None:
        context.not_found(f"the file {key!r} of recording {recording['id']!r} does not exist in S3")
    _check_size(recording, stored_audio.size, most)
    # An unnamed file: its disk space is freed even if this process is killed.
    with temporary_file() as audio:
        size = services.storage.download(key, audio, most)
        _check_size(recording, size, most)  # it may have been replaced
        context.progress(30)
        found = audio_format(audio)
        duration = sound.seconds(audio)
        obstacle = _why_not_whole(context, services, found, size, duration)
        if found and not obstacle:
            try:
                return _transcribe_whole(context, services, audio, found, duration, language)
            except PermanentError as error:
                if not duration or not ffmpeg.installed():
                    raise
                # OpenAI takes its format, but maybe not its codec or header; a refusal costs nothing.
                reason = str(error)
            logger.info("Cannot transcribe recording as it is, converting it", extra=fields(error=reason))
            context.step("refused", lambda: reason)
            context.acquire_token()
        elif not ffmpeg.installed():
            raise PermanentError(
                f"cannot transcribe the recording: {obstacle}, and ffmpeg, which could convert and split it, "
                "is not installed"
            )
        return transcribe_parts(context, services, audio, duration, language)


def _why_not_whole(
    context: JobContext, services: Services, found: AudioFormat | None, size: int, duration: float | None
) -> str:
    """Return why the recording cannot be sent as it is; an empty text if it can."""
    if not found or not found.extension:
        return f"OpenAI does not accept its format ({found.name if found else 'unknown'})"
    if size > MAX_AUDIO_BYTES:
        return f"its {size} bytes exceed OpenAI's limit"
    longest = longest_audio(services.openai.config.transcription.model)
    if duration is not None and longest is not None and duration > longest:
        return f"its {duration:.0f} s exceed the model's limit"
    return "OpenAI has refused it as it is" if stored(context, "refused") else ""


def _check_size(recording: Mapping[str, Any], size: int, most: int) -> None:
    if not 0 < size <= most:
        raise PermanentError(
            f"cannot transcribe recording {recording['id']}: it has {size} bytes, allowed are 1 to {most}"
            + ("" if ffmpeg.installed() else " (more with ffmpeg installed)")
        )


def _transcribe_whole(
    context: JobContext,
    services: Services,
    audio: IO[bytes],
    found: AudioFormat,
    duration: float | None,
    language: str | None,
) -> dict[str, Any]:
    if duration and is_silent(_silences(audio), 0.0, duration):
        return transcript("", duration, duration, 0)
    # The user's file name is not sent to the vendor.
    name, mime_type = f"recording{found.extension}", found.mime_type or ""
    heard = services.openai.transcribe(audio, name, mime_type, language, seconds=duration, meter=context)
    return transcript(storable(heard.text), heard.duration or duration, 0.0, heard.doubtful)


def _silences(audio: IO[bytes]) -> list[ffmpeg.Span]:
    try:
        return ffmpeg.silences(audio) if ffmpeg.installed() else []
    except PermanentError as error:  # the vendor may be able to read it
        logger.debug("Cannot read recording with ffmpeg", extra=fields(error=str(error)))
        return []
