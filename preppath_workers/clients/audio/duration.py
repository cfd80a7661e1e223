"""The duration of a recording."""

from __future__ import annotations

import mmap
import os
import wave
from typing import IO

from . import ffmpeg, mp3


def seconds(file: IO[bytes]) -> float | None:
    """Return the duration of a WAV or MP3 file, or of any format if ffmpeg is installed; None if unknown.

    The file must have a descriptor and must not be empty. Raises the same errors as `ffmpeg.seconds`.
    """
    found = _wav_seconds(file)
    if found is None:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = mp3.seconds(data)
    return found or ffmpeg.seconds(file)


def _wav_seconds(file: IO[bytes]) -> float | None:
    file.seek(0)
    try:
        with wave.open(file, "rb") as sound:
            frames, rate = sound.getnframes(), sound.getframerate()
            size = frames * sound.getnchannels() * sound.getsampwidth()
    except (wave.Error, EOFError, RuntimeError):  # RuntimeError: a chunk longer than the file
        return None
    # A recorder may write the header before the length is known.
    return frames / rate if rate and 0 < size <= os.fstat(file.fileno()).st_size else None
