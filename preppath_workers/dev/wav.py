"""Sound as 16-bit mono PCM, as a WAV file that may carry a comment, and as MP3."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Iterator
from dataclasses import dataclass

import lameenc

#: Kilobits a second; plenty for one voice.
MP3_KILOBITS = 64


@dataclass(frozen=True)
class Wav:
    """Sound: `samples` are 16-bit little-endian mono PCM, `rate` of them a second."""

    samples: bytes
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / 2 / self.rate

    def wav_bytes(self, comment: str | None = None) -> bytes:
        """A RIFF file; the comment stands in its `LIST INFO ICMT` chunk, in UTF-8."""
        header = struct.pack("<HHIIHH", 1, 1, self.rate, self.rate * 2, 2, 16)
        body = b"WAVE" + _chunk(b"fmt ", header)
        if comment is not None:
            body += _chunk(b"LIST", b"INFO" + _chunk(b"ICMT", comment.encode() + b"\0"))
        return _chunk(b"RIFF", body + _chunk(b"data", self.samples))

    def mp3_bytes(self) -> bytes:
        """An MP3 file."""
        encoder = lameenc.Encoder()
        encoder.silence()
        encoder.set_in_sample_rate(self.rate)
        encoder.set_channels(1)
        encoder.set_bit_rate(MP3_KILOBITS)
        encoder.set_quality(7)  # fast; speech does not need better
        return bytes(encoder.encode(self.samples) + encoder.flush())


def comment_of(file: bytes) -> str | None:
    """The comment of a WAV file, or None when it has none or the file is no WAV."""
    if file[:4] != b"RIFF" or file[8:12] != b"WAVE":
        return None
    for name, content in _chunks(file[12:]):
        if name == b"LIST" and content[:4] == b"INFO":
            for entry, text in _chunks(content[4:]):
                if entry == b"ICMT":
                    return text.rstrip(b"\0").decode(errors="replace")
    return None


def seconds_of(file: bytes) -> float:
    """How long a WAV file plays. Raises ValueError when it is none."""
    try:
        with wave.open(io.BytesIO(file)) as sound:
            frames: int = sound.getnframes()
            rate: int = sound.getframerate()
        return frames / rate
    except (wave.Error, EOFError, RuntimeError, ZeroDivisionError) as error:
        raise ValueError("not a WAV file") from error


def _chunk(name: bytes, content: bytes) -> bytes:
    # RIFF chunks are padded to an even length that their size does not count.
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        yield content[at : at + 4], content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
