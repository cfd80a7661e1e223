"""Hears a recording: fetches it, and has it transcribed whole, or in parts where it is too much at once."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any

from ..clients import ffmpeg, sound
from ..clients.machine import temporary_file
from ..clients.openai_models import MAX_AUDIO_BYTES, longest_audio
from ..clients.services import Services
from ..errors import PermanentError
from .data import storable
from .kind import Attempt
from .paid import PaidRequests
from .parts import join, starts

#: The endings by which OpenAI knows a format (its guide "Speech to text").
FORMATS = frozenset({".flac", ".mp3", ".mp4", ".mpeg", ".mpga", ".m4a", ".ogg", ".wav", ".webm"})
#: Seconds of a part at most: 19 MB of the sound that `ffmpeg.cut` writes.
PART_SECONDS = 600.0
#: Bytes of the largest recording that is fetched at all: two hours of a studio's WAV.
MAX_RECORDING_BYTES = 2 * 1024**3
#: Seconds of the longest recording that is heard in parts. Each part is paid for, and a few bytes can claim
#: to play for years.
MAX_RECORDING_SECONDS = 8 * 3_600.0
#: A MIME type without its parameters, as it may stand in a header.
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


def hear(
    attempt: Attempt, services: Services, recording: Mapping[str, Any], language: str | None
) -> dict[str, Any]:
    """What is said in the recording: `{text, duration}`, the duration in seconds or null.

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
        duration = sound.seconds(audio)
        if size > MAX_AUDIO_BYTES or _is_too_long(services, duration):
            return _hear_parts(attempt, services, audio, duration, language)
        audio.seek(0)
        told = _MIME_TYPE.match((recording["mimeType"] or "").strip())
        mime_type = told[0] if told else "application/octet-stream"
        name = _audio_name((recording["originalName"] or "", key), mime_type)
        transcript = services.openai.transcribe(audio, name, mime_type, language)
    return {"text": storable(transcript.text), "duration": transcript.duration or duration}


def _is_too_long(services: Services, duration: float | None) -> bool:
    longest = longest_audio(services.openai.config.transcription.model)
    return duration is not None and longest is not None and duration > longest


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
    requests, texts = PaidRequests(attempt), []
    for number, (begin, end) in enumerate(zip(begins, [*begins[1:], duration], strict=True), 1):
        request = partial(_hear_part, services, audio, begin, end - begin, language)
        texts.append(attempt.once(f"part-{number}", partial(requests.make, request)))
        attempt.progress(30 + 60 * number // len(begins))
    return {"text": join(texts), "duration": duration}


def _hear_part(
    services: Services, audio: IO[bytes], begin: float, length: float, language: str | None
) -> str:
    with temporary_file() as part:
        ffmpeg.cut(audio, begin, length, part)
        return storable(services.openai.transcribe(part, "part.wav", "audio/wav", language).text)


def _audio_name(names: tuple[str, ...], mime_type: str) -> str:
    """A file name that tells the format: by the first name with an ending that OpenAI knows, else by the
    MIME type. The user's own name for the file is nobody else's business."""
    endings = [PurePosixPath(name).suffix.lower() for name in names]
    subtype = "." + mime_type.lower().rpartition("/")[2].removeprefix("x-")
    endings += [subtype, mimetypes.guess_extension(mime_type) or ""]
    return "recording" + next((ending for ending in endings if ending in FORMATS), ".webm")
