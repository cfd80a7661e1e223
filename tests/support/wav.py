"""16-bit mono PCM sound, as a WAV file with an optional comment, and as MP3."""

from __future__ import annotations

import io
import struct
import wave
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from preppath_workers.clients.audio.mp3_encoder import encode


@dataclass(frozen=True)
class Wav:
    """Sound: `samples` are 16-bit little-endian mono PCM, `rate` of them a second."""

    samples: bytes
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / 2 / self.rate

    def wav_bytes(self, comment: str | None = None) -> bytes:
        """A RIFF file, with the comment in its `LIST INFO ICMT` chunk, in UTF-8."""
        header = struct.pack("<HHIIHH", 1, 1, self.rate, self.rate * 2, 2, 16)
        body = b"WAVE" + _chunk(b"fmt ", header)
        if comment is not None:
            body += _chunk(b"LIST", b"INFO" + _chunk(b"ICMT", comment.encode() + b"\0"))
        return _chunk(b"RIFF", body + _chunk(b"data", self.samples))

    def mp3_bytes(self) -> bytes:
        """An MP3 file."""
        return encode(self.samples, self.rate)


def silence(seconds: float, rate: int = 16_000) -> Wav:
    return Wav(bytes(2 * round(seconds * rate)), rate)


def resampled(sound: Wav, rate: int) -> Wav:
    """The same sound at another rate, by linear interpolation."""
    old = array("h", sound.samples)
    count = len(old) * rate // sound.rate
    old.append(old[-1] if old else 0)
    step = sound.rate / rate
    new = array("h", bytes(2 * count))
    for at in range(count):
        position = at * step
        left = int(position)
        new[at] = round(old[left] + (old[left + 1] - old[left]) * (position - left))
    return Wav(new.tobytes(), rate)


def comment_of(file: bytes) -> str | None:
    """The comment of a WAV file, or None if there is none or the file is not WAV."""
    if file[:4] != b"RIFF" or file[8:12] != b"WAVE":
        return None
    for name, content in _chunks(file[12:]):
        if name == b"LIST" and content[:4] == b"INFO":
            for entry, text in _chunks(content[4:]):
                if entry == b"ICMT":
                    return text.rstrip(b"\0").decode(errors="replace")
    return None


def seconds_of(file: bytes) -> float:
    """The duration of a WAV file. Raises ValueError if it is not one."""
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
