"""Files that aren't recordings, or whose headers are wrong."""

from __future__ import annotations

import io
import struct
import wave
import zipfile


def wav(rate: int, frames: int) -> bytes:
    """Return a silent WAV with 8 bits per sample."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(rate)
        sound.writeframes(b"\x80" * frames)
    return file.getvalue()


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(1_000_000))
    return file.getvalue()


_WAV = wav(8_000, 800)

#: By what is wrong with each.
RECORDINGS: dict[str, bytes] = {
    "empty": b"",
    "text": b"This is not a recording.",
    "one-byte": b"\xff",
    "zeros": bytes(10_000),
    "playlist": b"#EXTM3U\nfile:///etc/passwd\nhttp://127.0.0.1/\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "zip": _zip(),
    "wav-cut-off": _WAV[:30],
    "wav-without-data": _WAV[:36],
    "wav-chunk-of-4-gb": _WAV[:40] + struct.pack("<I", 2**32 - 1) + _WAV[44:],
    "wav-chunk-past-the-end": b"RIFF@\0\0\0WAVEfmt " + _WAV[16:36] + b"RIFFRIFF",
    "wav-no-rate": _WAV[:24] + bytes(8) + _WAV[32:],
    "wav-of-26-million-seconds": wav(1, 26_300_000),
    "mp3-tag-of-256-mb": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(100),
    "mp3-header-alone": b"\xff\xfb\x90\x00",
    "ogg-header-alone": b"OggS" + bytes(24),
    "webm-header-alone": b"\x1a\x45\xdf\xa3" + b"\x01" + b"\xff" * 7,
}
