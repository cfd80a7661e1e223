"""Measure recordings, find their pauses and extract parts with ffmpeg, if it is installed.

Recordings are untrusted uploads. ffmpeg may read that file only, and only in formats that contain audio
themselves: others, such as playlists, can refer to other files and URLs.
"""

from __future__ import annotations

import math
import shutil
import signal
import subprocess
import wave
from collections.abc import Sequence
from typing import IO

from ...errors import JobError, MachineError, PermanentError, TransientError
from ..machine import machine_error_of_exit, machine_error_of_text
from .program import CompletedProgram, run_program

#: Sample rate of a part, Hz: the rate of speech models.
PART_RATE = 16_000
#: Time limit of one run of ffmpeg, seconds: half of a job's default.
TIME_LIMIT = 300.0
#: Seconds decoded before a part and dropped: the first frames of an MP3 need those before them, else they are
#: silent.
_LEAD = 2.0
#: ffmpeg's exit status after a signal that it handles.
_WAS_STOPPED = 255
#: Filters for a pause and for silence, which is hardly louder than the noise of 16 bits.
_PAUSE = "silencedetect=noise=-35dB:duration=0.4"
_SILENCE = "silencedetect=noise=-55dB:duration=0.4"
#: ffmpeg's names of the allowed formats, and its input options.
_FORMATS = (
    "wav,mp3,flac,ogg,matroska,webm,mov,mp4,m4a,mpeg,aac,caf,aiff,amr,amrnb,amrwb,au,asf,avi,flv,mpegts,w64"
)
_INPUT = ("-protocol_whitelist", "file", "-format_whitelist", _FORMATS, "-i", "/dev/stdin", "-map", "0:a:0")
#: Begin and end, seconds from the start; the end may be infinite.
Span = tuple[float, float]


def installed() -> bool:
    """Return whether ffmpeg is installed."""
    return shutil.which("ffmpeg") is not None


def seconds(file: IO[bytes]) -> float | None:
    """Return the recording's duration, or None if ffmpeg is not installed or finds no audio.

    Raises TransientError on a timeout, and MachineError if this machine lacks a resource.
    """
    if not installed():
        return None
    try:
        lines = _lines(file, [*_INPUT, "-c", "copy", "-progress", "pipe:1", "-f", "null", "/dev/null"])
    except PermanentError:
        return None
    times = [line.partition("=")[2] for line in lines if line.startswith("out_time_us=")]
    return int(times[-1]) / 1e6 if times and times[-1].isdigit() else None


def pauses(file: IO[bytes]) -> list[Span]:
    """Return the pauses between words, which may contain noise.

    Raises PermanentError if ffmpeg cannot read the file, TransientError on a timeout, and MachineError if
    this machine lacks a resource.
    """
    return _quiet(file, _PAUSE)


def silences(file: IO[bytes]) -> list[Span]:
    """Return the spans without any sound that could be speech. Raises the same errors as `pauses`."""
    return _quiet(file, _SILENCE)


def _quiet(file: IO[bytes], detector: str) -> list[Span]:
    filters = f"{detector},ametadata=mode=print:file=/dev/stdout"
    lines = _lines(file, [*_INPUT, "-af", filters, "-f", "null", "/dev/null"])
    values = [line.partition("=") for line in lines]
    starts = [float(value) for name, _, value in values if name == "lavfi.silence_start"]
    ends = [float(value) for name, _, value in values if name == "lavfi.silence_end"]
    ends.append(math.inf)  # ffmpeg prints no end for a silence that lasts to the end
    return list(zip(starts, ends, strict=False))


def cut(file: IO[bytes], start: float, length: float, part: IO[bytes]) -> float:
    """Write `length` seconds from `start` to the file `part`, as 16-bit mono WAV. Return how many seconds of
    sound there were: none in a gap between two timestamps. Raises the same errors as `pauses`."""
    sound = ["-ac", "1", "-ar", str(PART_RATE), "-c:a", "pcm_s16le", "-f", "wav", "-y", "/dev/stdout"]
    lead = min(start, _LEAD)
    before, after = ["-ss", f"{start - lead:.3f}"], ["-ss", f"{lead:.3f}", "-t", f"{length:.3f}"]
    _run(file, [*before, *_INPUT, *after, *sound], part)
    part.seek(0)
    with wave.open(part, "rb") as written:
        seconds = written.getnframes() / written.getframerate()
    part.seek(0)
    return seconds


def _lines(file: IO[bytes], arguments: Sequence[str]) -> list[str]:
    return _run(file, arguments, subprocess.PIPE).decode(errors="replace").splitlines()


def _run(file: IO[bytes], arguments: Sequence[str], output: IO[bytes] | int) -> bytes:
    """Return ffmpeg's output. The files need no names: they are its standard input and output."""
    run = run_program(
        ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", *arguments], file, output, TIME_LIMIT
    )
    if run is None:
        raise TransientError(f"ffmpeg exceeded its time limit of {TIME_LIMIT:g} s")
    if run.status:
        raise _failure(run)
    return run.output


def _failure(run: CompletedProgram) -> JobError:
    """Return the error for ffmpeg's exit status."""
    reason = run.last_line or "no reason given"
    shortage = machine_error_of_exit(run.status) or machine_error_of_text(reason)
    if shortage:
        return shortage
    if run.status == -signal.SIGKILL:
        return MachineError("memory", "ffmpeg was killed, as the kernel does when memory runs out")
    if run.status == -signal.SIGXFSZ:
        return MachineError("disk", "ffmpeg was killed: its output is larger than this machine allows")
    if -run.status in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) or run.status == _WAS_STOPPED:
        return MachineError("processes", "ffmpeg was stopped by a signal")
    if run.status < 0:  # a crash, which the recording may have caused
        return TransientError(f"ffmpeg was killed by signal {-run.status}: {reason}")
    return PermanentError(f"ffmpeg cannot read the recording: {reason}")
