"""Transcribe a recording: fetch it and have it transcribed, in parts if it is too long for one request."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import IO, Any

from ...clients.audio import duration as sound
from ...clients.audio import ffmpeg
from ...clients.audio.format import AudioFormat, audio_format
from ...clients.machine import temporary_file
from ...clients.openai.models import MAX_AUDIO_BYTES, longest_audio
from ...clients.services import Services
from ...errors import PermanentError
from ...log import fields
from ...registry import JobContext
from ..paid_requests import PaidRequests
from ..validation import storable

logger = logging.getLogger(__name__)

#: Seconds of a part at most: 19 MB of the sound that `ffmpeg.cut` writes.
PART_SECONDS = 600.0
#: Bytes of the largest recording that is fetched at all: two hours of a studio's WAV.
MAX_RECORDING_BYTES = 2 * 1024**3
#: Seconds of the longest recording that is heard in parts. Each part is paid for, and a few bytes can claim
#: to play for years.
MAX_RECORDING_SECONDS = 8 * 3_600.0


def transcribe(
    context: JobContext, services: Services, recording: Mapping[str, Any], language: str | None
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
        context.progress(30)
        found = audio_format(audio)
        duration = sound.seconds(audio)
        if not found or not found.extension:
            _require_ffmpeg(found)
        elif size <= MAX_AUDIO_BYTES and not _is_too_long(services, duration):
            return _hear_whole(services, audio, found, duration, language)
        return _transcribe_parts(context, services, audio, duration, language)


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
        logger.debug("ffmpeg cannot read a recording", extra=fields(error=str(error)))
        return []


def _transcribe_parts(
    context: JobContext, services: Services, audio: IO[bytes], duration: float | None, language: str | None
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
    begins = context.step("parts", lambda: starts(duration, ffmpeg.pauses(audio), PART_SECONDS))
    silences = ffmpeg.silences(audio)
    requests, texts, silent, doubtful = PaidRequests(context), [], 0.0, 0
    for number, (begin, end) in enumerate(zip(begins, [*begins[1:], duration], strict=True), 1):
        if is_silent(silences, begin, end):
            silent += end - begin
            continue
        request = partial(_transcribe_part, services, audio, begin, end - begin, language)
        part = context.step(f"heard-{number}", partial(requests.make, request))
        texts.append(part["text"])
        doubtful += part["doubtful"]
        context.progress(30 + 60 * number // len(begins))
    return _heard(join(texts), duration, silent, doubtful)


def _transcribe_part(
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


#: How the Unicode names of letters begin that are written without spaces between words.
_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "FULLWIDTH", "THAI", "LAO", "KHMER", "MYANMAR")

#: Seconds of a pause that stay before the words after it.
_LEAD = 0.3
#: Seconds at an end that may be missing from a silence: a frame or two of a lossy format.
_EDGE = 0.15


def starts(duration: float, pauses: Sequence[tuple[float, float]], longest: float) -> list[float]:
    """Where parts of at most `longest` seconds begin: as late as a pause in the second half of the part
    before allows, or else where that part must end. A pause is (begin, end). Everything in seconds."""
    found = [0.0]
    while duration - found[-1] > longest:
        latest = found[-1] + longest
        cuts = [_cut(begin, end, latest) for begin, end in pauses if begin <= latest]
        found.append(max((at for at in cuts if at >= latest - longest / 2), default=latest))
    return found


def is_silent(silences: Iterable[tuple[float, float]], begin: float, end: float) -> bool:
    """Whether one of the silences covers the whole of it, up to what a decoder adds or drops at its ends."""
    return any(start <= begin + _EDGE and end - _EDGE <= stop for start, stop in silences)


def _cut(begin: float, end: float, latest: float) -> float:
    """The latest place in a pause at which to cut: a little of it stays before the words that follow."""
    return min(max((begin + end) / 2, end - _LEAD), latest)


def join(texts: Iterable[str]) -> str:
    """The texts as one, with a space between two of them where their script puts one between words."""
    joined = ""
    for text in filter(None, (text.strip() for text in texts)):
        spaceless = joined and _is_spaceless(joined[-1]) and _is_spaceless(text[0])
        joined += text if spaceless or not joined else f" {text}"
    return joined


def _is_spaceless(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_SPACELESS)
