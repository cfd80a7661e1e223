"""ffmpeg, where it is installed: measures recordings, finds their pauses, and cuts parts out of them.

A recording is what a user uploaded. ffmpeg reads nothing but that file, and only as one of the formats that
hold sound themselves: others, such as playlists, can name further files and addresses.
"""

from __future__ import annotations

import math
import shutil
import signal
import subprocess
from collections.abc import Sequence
from typing import IO

from ...errors import JobError, MachineError, PermanentError, TransientError
from ..machine import machine_error_of_exit, machine_error_of_text
from .program import CompletedProgram, run_program

#: Samples a second of a part: what speech models hear at.
PART_RATE = 16_000
#: Seconds that one run of ffmpeg may take: half of what a job has by default. Most recordings take a few.
TIME_LIMIT = 300.0
#: ffmpeg's exit status after a signal that it catches.
_WAS_STOPPED = 255
#: A pause: quieter than this for so many seconds. Silence: hardly more than the noise of 16 bits.
_PAUSE = "silencedetect=noise=-35dB:duration=0.4"
_SILENCE = "silencedetect=noise=-55dB:duration=0.4"
#: ffmpeg's names for the formats, and for the one thing it may open.
_FORMATS = (
    "wav,mp3,flac,ogg,matroska,webm,mov,mp4,m4a,mpeg,aac,caf,aiff,amr,amrnb,amrwb,au,asf,avi,flv,mpegts,w64"
)
_INPUT = ("-protocol_whitelist", "file", "-format_whitelist", _FORMATS, "-i", "/dev/stdin", "-map", "0:a:0")
#: Where it begins and ends, seconds from the start; the end may be infinite.
Span = tuple[float, float]


def installed() -> bool:
    return shutil.which("ffmpeg") is not None


def seconds(file: IO[bytes]) -> float | None:
    """How long the recording plays; None when ffmpeg is not installed or finds no sound in it. Raises
    TransientError when it takes too long, and MachineError if this machine lacks something."""
    if not installed():
        return None
    try:
        told = _lines(file, [*_INPUT, "-c", "copy", "-progress", "pipe:1", "-f", "null", "/dev/null"])
    except PermanentError:
        return None
    times = [line.partition("=")[2] for line in told if line.startswith("out_time_us=")]
    return int(times[-1]) / 1e6 if times and times[-1].isdigit() else None


def pauses(file: IO[bytes]) -> list[Span]:
    """The pauses between words, which are not free of noise. Raises PermanentError for what is no recording,
    TransientError when it takes too long, and MachineError if this machine lacks something."""
    return _quiet(file, _PAUSE)


def silences(file: IO[bytes]) -> list[Span]:
    """Where there is no sound that could be a word, however low the microphone was turned. Raises as
    `pauses` does."""
    return _quiet(file, _SILENCE)


def _quiet(file: IO[bytes], quieter: str) -> list[Span]:
    lines = f"{quieter},ametadata=mode=print:file=/dev/stdout"
    told = [line.partition("=") for line in _lines(file, [*_INPUT, "-af", lines, "-f", "null", "/dev/null"])]
    starts = [float(value) for name, _, value in told if name == "lavfi.silence_start"]
    ends = [float(value) for name, _, value in told if name == "lavfi.silence_end"]
    ends.append(math.inf)  # of one that lasts to the end, nothing is told
    return list(zip(starts, ends, strict=False))


def cut(file: IO[bytes], start: float, length: float, part: IO[bytes]) -> None:
    """Writes `length` seconds from `start` on to the file `part`, as a WAV of one channel, 2 bytes a sample.
    Raises PermanentError for what is no recording, TransientError when it takes too long, and MachineError if
    this machine lacks something."""
    sound = ["-ac", "1", "-ar", str(PART_RATE), "-c:a", "pcm_s16le", "-f", "wav", "-y", "/dev/stdout"]
    _run(file, ["-ss", f"{start:.3f}", "-t", f"{length:.3f}", *_INPUT, *sound], part)
    part.seek(0)


def _lines(file: IO[bytes], arguments: Sequence[str]) -> list[str]:
    return _run(file, arguments, subprocess.PIPE).decode(errors="replace").splitlines()


def _run(file: IO[bytes], arguments: Sequence[str], output: IO[bytes] | int) -> bytes:
    """What ffmpeg prints. The files need no names: they are opened as the process's own input and output.

    It ends when we do, however that happens: nobody waits for what it writes, and the job may run elsewhere.
    """
    run = run_program(
        ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", *arguments], file, output, TIME_LIMIT
    )
    if run is None:
        raise TransientError(f"ffmpeg was not done with the recording after {TIME_LIMIT:g} s")
    if run.status:
        raise _failure(run)
    return run.output


def _failure(run: CompletedProgram) -> JobError:
    """Whose failure it is that ffmpeg ended with this status."""
    told = run.last_line or "it gave no reason"
    shortage = machine_error_of_exit(run.status) or machine_error_of_text(told)
    if shortage:
        return shortage
    if run.status == -signal.SIGKILL:
        return MachineError("memory", "ffmpeg was killed, as the kernel does when memory runs out")
    if run.status == -signal.SIGXFSZ:
        return MachineError("disk", "ffmpeg was killed: its output is larger than this machine allows")
    if -run.status in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) or run.status == _WAS_STOPPED:
        return MachineError("processes", "ffmpeg was stopped by a signal")
    if run.status < 0:  # a crash, which may be the recording's doing
        return TransientError(f"ffmpeg ended by signal {-run.status}: {told}")
    return PermanentError(f"ffmpeg cannot read the recording: {told}")
