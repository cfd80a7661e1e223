"""Audio formats of spoken text."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from typing import Any

import av
import numpy

from ...clients.audio import mp3_encoder

#: The most samples that one frame of a codec is given.
_FRAME = 24_000


def encode(samples: bytes, rate: int, kind: str) -> bytes:
    """Return 16-bit little-endian mono samples as a file of this kind, one of CONTENT_TYPES."""
    return _ENCODERS[kind](samples, rate)


def _wav(samples: bytes, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(samples)
    return file.getvalue()


def _pcm(samples: bytes, rate: int) -> bytes:
    return samples


def _by_ffmpeg(container: str, codec: str) -> Callable[[bytes, int], bytes]:
    def encoded(samples: bytes, rate: int) -> bytes:
        file = io.BytesIO()
        sound: Any = numpy.frombuffer(samples, dtype="<i2")
        with av.open(file, "w", format=container) as output:
            stream = output.add_stream(codec, rate=rate)
            stream.layout = "mono"
            for at in range(0, len(sound), _FRAME):
                part = sound[at : at + _FRAME].reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                frame.sample_rate = rate
                frame.pts = at
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return file.getvalue()

    return encoded


_ENCODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "mp3": mp3_encoder.encode,
    "opus": _by_ffmpeg("ogg", "libopus"),
    "aac": _by_ffmpeg("adts", "aac"),
    "flac": _by_ffmpeg("flac", "flac"),
    "wav": _wav,
    "pcm": _pcm,
}

#: Content types by kind, OpenAI's response formats.
CONTENT_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
