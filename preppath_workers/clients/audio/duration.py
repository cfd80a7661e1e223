"""How long a recording plays, as far as that can be told without hearing it."""

from __future__ import annotations

import mmap
import os
import wave
from typing import IO

from . import ffmpeg, mp3


def seconds(file: IO[bytes]) -> float | None:
    """The length of a WAV or MP3 file, and of any other where ffmpeg is installed; None when nobody knows.
    The file must be a real one and not be empty."""
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
    except (wave.Error, EOFError, RuntimeError):  # the last where a chunk is longer than the file
        return None
    # What recorded it may have written the header before it knew the length.
    return frames / rate if rate and 0 < size <= os.fstat(file.fileno()).st_size else None
