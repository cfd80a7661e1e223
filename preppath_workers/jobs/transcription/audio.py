"""Download a recording and transcribe it, in parts if it is too long for one request."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
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
from ..paid_requests import PaidRequests
from .parts import is_silent, join, starts

logger = logging.getLogger(__name__)

#: Longest part, seconds: 19 MB of the WAV that `ffmpeg.cut` writes.
PART_SECONDS = 600.0
#: Largest recording that is downloaded, bytes: two hours of studio WAV.
MAX_RECORDING_BYTES = 2 * 1024**3
#: Longest recording that is transcribed in parts, seconds. Each part is paid for, and a small file can claim
#: any duration.
MAX_RECORDING_SECONDS = 8 * 3_600.0
#: Bytes hashed at a time.
_CHUNK = 1024 * 1024


def transcribe(
    context: JobContext, services: Services, recording: Mapping[str, Any], language: str | None
) -> dict[str, Any]:
    """Return `{text, duration, silentSeconds, doubtfulSegments}`; see the job's result.

    Raises PermanentError, with the reason, if the recording cannot be transcribed.
    """
    key = recording["filename"]
    most = MAX_RECORDING_BYTES if ffmpeg.installed() else MAX_AUDIO_BYTES
    _check_size(recording, services.storage.size(key), most)
    # An unnamed file: its disk space is freed even if this process is killed.
    with temporary_file() as audio:
        size = services.storage.download(key, audio, most)
        _check_size(recording, size, most)  # it may have been replaced
        context.progress(30)
        found = audio_format(audio)
        duration = sound.seconds(audio)
        if not found or not found.extension:
            _require_ffmpeg(found)
        elif size <= MAX_AUDIO_BYTES and not _is_too_long(services, duration) and not _was_refused(context):
            try:
                return _transcribe_whole(context, services, audio, found, duration, language)
            except PermanentError as error:
                if not duration or not ffmpeg.installed():
                    raise
                # OpenAI takes its format, but maybe not its codec or header; a refusal costs nothing.
                reason = str(error)
            logger.info("OpenAI refuses the recording, converting it", extra=fields(error=reason))
            context.step("refused", lambda: reason)
            context.acquire_token()
        return _transcribe_parts(context, services, audio, duration, language)


class _NotRefused(Exception):
    """Raised instead of a result of the step `refused`."""


def _was_refused(context: JobContext) -> bool:
    """Return whether OpenAI has refused the recording in an earlier attempt."""

    def unknown() -> None:
        raise _NotRefused

    try:
        context.step("refused", unknown)
    except _NotRefused:
        return False
    return True


def _check_size(recording: Mapping[str, Any], size: int, most: int) -> None:
    if not 0 < size <= most:
        raise PermanentError(
            f"cannot transcribe recording {recording['id']}: it has {size} bytes, allowed are 1 to {most}"
            + ("" if ffmpeg.installed() else " (more with ffmpeg installed)")
        )


def _require_ffmpeg(found: AudioFormat | None) -> None:
    if not ffmpeg.installed():
        name = found.name if found else "unknown"
        raise PermanentError(
            f"cannot transcribe the recording: OpenAI does not accept its format ({name}), and ffmpeg, "
            "which could convert it, is not installed"
        )


def _is_too_long(services: Services, duration: float | None) -> bool:
    longest = longest_audio(services.openai.config.transcription.model)
    return duration is not None and longest is not None and duration > longest


def _transcribe_whole(
    context: JobContext,
    services: Services,
    audio: IO[bytes],
    found: AudioFormat,
    duration: float | None,
    language: str | None,
) -> dict[str, Any]:
    if duration and is_silent(_silences(audio), 0.0, duration):
        return _result("", duration, duration, 0)
    audio.seek(0)
    # The user's file name is not sent to the vendor.
    name, mime_type = f"recording{found.extension}", found.mime_type or ""
    transcript = services.openai.transcribe(audio, name, mime_type, language, seconds=duration, meter=context)
    return _result(storable(transcript.text), transcript.duration or duration, 0.0, transcript.doubtful)


def _silences(audio: IO[bytes]) -> list[ffmpeg.Span]:
    try:
        return ffmpeg.silences(audio) if ffmpeg.installed() else []
    except PermanentError as error:  # the vendor may be able to read it
        logger.debug("Cannot read recording with ffmpeg", extra=fields(error=str(error)))
        return []


def _transcribe_parts(
    context: JobContext, services: Services, audio: IO[bytes], duration: float | None, language: str | None
) -> dict[str, Any]:
    if not ffmpeg.installed():
        raise PermanentError(
            f"cannot transcribe the recording: its {duration:.0f} s exceed the model's limit, and ffmpeg, "
            "which could split it, is not installed"
        )
    if duration is None:
        raise PermanentError("cannot transcribe the recording: ffmpeg finds no sound in it")
    if duration > MAX_RECORDING_SECONDS:
        raise PermanentError(
            f"cannot transcribe the recording: its {duration:.0f} s exceed the limit of "
            f"{MAX_RECORDING_SECONDS:.0f} s"
        )
    version = _version(context, audio)
    # A step, because every attempt must split the recording at the same places.
    begins = context.step(f"parts{version}", lambda: starts(duration, ffmpeg.pauses(audio), PART_SECONDS))
    silences = ffmpeg.silences(audio)
    requests, texts, silent, doubtful = PaidRequests(context), [], 0.0, 0
    for number, (begin, end) in enumerate(zip(begins, [*begins[1:], duration], strict=True), 1):
        if is_silent(silences, begin, end):
            silent += end - begin
            continue
        request = partial(_transcribe_part, context, services, audio, begin, end - begin, language)
        part = context.step(f"part-{number}{version}", partial(requests.make, request))
        texts.append(part["text"])
        doubtful += part["doubtful"]
        context.progress(30 + 60 * number // len(begins))
    return _result(join(texts), duration, silent, doubtful)


def _version(context: JobContext, audio: IO[bytes]) -> str:
    """Return the suffix of the steps' names: empty, unless an earlier attempt has found another recording
    under the key, whose parts must not be mixed with those of this one."""
    audio.seek(0)
    hashed = sha256()
    while chunk := audio.read(_CHUNK):
        hashed.update(chunk)
    digest = hashed.hexdigest()
    first = context.step("recording", lambda: digest)
    return "" if first == digest else f"-{digest[:16]}"


def _transcribe_part(
    context: JobContext,
    services: Services,
    audio: IO[bytes],
    begin: float,
    length: float,
    language: str | None,
) -> dict[str, Any]:
    with temporary_file() as part:
        ffmpeg.cut(audio, begin, length, part)
        transcript = services.openai.transcribe(
            part, "part.wav", "audio/wav", language, seconds=length, meter=context
        )
        return {"text": storable(transcript.text), "doubtful": transcript.doubtful}


def _result(text: str, duration: float | None, silent: float, doubtful: int) -> dict[str, Any]:
    return {
        "text": text,
        "duration": duration,
        "silentSeconds": round(silent, 1),
        "doubtfulSegments": doubtful,
    }
