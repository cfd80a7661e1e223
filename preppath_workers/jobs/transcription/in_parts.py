"""Transcribe a recording in parts."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import IO, Any

from ...clients.audio import ffmpeg
from ...clients.machine import temporary_file
from ...clients.postgres.text import storable
from ...clients.services import Services
from ...errors import PermanentError
from ...registry import JobContext
from ..paid_requests import PaidRequests
from .parts import is_silent, join, starts
from .transcript import transcript

#: Longest part, seconds: 19 MB of the WAV that `ffmpeg.cut` writes.
PART_SECONDS = 600.0
#: Longest recording that is transcribed in parts, seconds. Each part is paid for, and a small file can claim
#: any duration.
MAX_RECORDING_SECONDS = 8 * 3_600.0
#: The shortest sound that OpenAI accepts, seconds.
_SHORTEST = 0.1
#: Bytes hashed at a time.
_CHUNK = 1024 * 1024


def transcribe_parts(
    context: JobContext, services: Services, audio: IO[bytes], duration: float | None, language: str | None
) -> dict[str, Any]:
    """Return the transcript of a recording that ffmpeg, which must be installed, converts and cuts in pauses.
    Each part is a request of its own, whose text is stored with the job. Raises PermanentError if it has no
    sound or is too long."""
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
    requests, texts, silent, doubtful, empty = PaidRequests(context), [], 0.0, 0, 0
    transcribe = partial(_transcribe_part, services, requests, audio, language)
    for number, (begin, end) in enumerate(zip(begins, [*begins[1:], duration], strict=True), 1):
        if is_silent(silences, begin, end):
            silent += end - begin
            continue
        part = context.step(f"part-{number}{version}", partial(transcribe, begin, end - begin))
        texts.append(part["text"])
        doubtful += part["doubtful"]
        if "empty" in part:
            silent, empty = silent + end - begin, empty + 1
        context.progress(30 + 60 * number // len(begins))
    if empty == len(begins):
        raise PermanentError(
            f"cannot transcribe the recording: ffmpeg finds less than {_SHORTEST:g} s of sound in it"
        )
    return transcript(join(texts), duration, silent, doubtful)


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
    services: Services,
    requests: PaidRequests,
    audio: IO[bytes],
    language: str | None,
    begin: float,
    length: float,
) -> dict[str, Any]:
    """Return the transcript of a part; `empty` if it has too little sound to be sent, as in a gap between two
    timestamps."""
    with temporary_file() as part:
        if ffmpeg.cut(audio, begin, length, part) < _SHORTEST:
            return {"text": "", "doubtful": 0, "empty": True}
        request = partial(services.openai.transcribe, part, "part.wav", "audio/wav", language)
        heard = requests.make(partial(request, seconds=length, is_converted=True, meter=requests.context))
        return {"text": storable(heard.text), "doubtful": heard.doubtful}
