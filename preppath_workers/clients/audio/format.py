"""Detect an audio file's format from its first bytes, because names and MIME types are unreliable."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO

#: Bytes read to detect the format; the DocType of a WebM file is among the first hundred.
_HEAD = 4_096
_EBML = b"\x1a\x45\xdf\xa3"
#: Brands (after `ftyp`) of other containers of the MP4 family.
_BRANDS = (
    (re.compile(rb"qt  "), "QuickTime"),
    (re.compile(rb"3g[2egprs]"), "3GPP"),
    (re.compile(rb"M4[AB] "), "M4A"),
    (re.compile(rb"heic|heix|mif1|avif|crx "), "image"),
)
#: Patterns of the first bytes; the first match counts.
_SIGNATURES = (
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "WAV"),
    (re.compile(rb"(RF64|BW64)....WAVE", re.DOTALL), "WAV of 64 bits"),
    (re.compile(rb"RIFF....AVI ", re.DOTALL), "AVI"),
    (re.compile(rb"fLaC"), "FLAC"),
    (re.compile(rb"OggS"), "Ogg"),
    (re.compile(rb"FORM....AIF[FC]", re.DOTALL), "AIFF"),
    (re.compile(rb"caff"), "CAF"),
    (re.compile(rb"#!AMR"), "AMR"),
    (re.compile(rb"\.snd"), "AU"),
    (re.compile(rb"FLV\x01"), "FLV"),
    (re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), "WMA"),
    (re.compile(rb"\0\0\x01[\xba\xb3]"), "MPEG"),
    (re.compile(rb"G.{187}G.{187}G", re.DOTALL), "MPEG transport stream"),
    (re.compile(rb"ADIF"), "AAC"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "AAC"),  # ADTS: twelve bits of ones, layer 0
    (re.compile(rb"\xff[\xe2-\xe7\xea-\xef\xf2-\xf7\xfa-\xff]"), "MP3"),
)
#: The formats that OpenAI accepts (its guide "Speech to text"), each with a file extension and MIME type.
_ACCEPTED = {
    "WAV": (".wav", "audio/wav"),
    "FLAC": (".flac", "audio/flac"),
    "Ogg": (".ogg", "audio/ogg"),
    "MP3": (".mp3", "audio/mpeg"),
    "MPEG": (".mpeg", "video/mpeg"),
    "WebM": (".webm", "audio/webm"),
    "MP4": (".mp4", "audio/mp4"),
    "M4A": (".m4a", "audio/mp4"),
}


@dataclass(frozen=True)
class AudioFormat:
    """A format by name. `extension` and `mime_type` are None if OpenAI does not accept it."""

    name: str
    extension: str | None = None
    mime_type: str | None = None


def audio_format(file: IO[bytes]) -> AudioFormat | None:
    """Return the format of a seekable file, or None if it is unknown."""
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith(b"ID3"):  # a tag before an MP3 or AAC stream, whose size is 4 times 7 bits
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))
        file.seek(10 + size)
        name = _name(file.read(_HEAD))
        name = name if name in ("AAC", "FLAC") else "MP3"
    else:
        name = _name(head)
    if name is None:
        return None
    return AudioFormat(name, *_ACCEPTED.get(name, ()))


def _name(head: bytes) -> str | None:
    if head.startswith(_EBML):
        return "WebM" if b"webm" in head[:128] else "Matroska"
    # Old QuickTime files have no ftyp.
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "QuickTime"
    if head[4:8] in (b"ftyp", b"styp", b"moof"):
        brand = head[8:12] if head[4:8] == b"ftyp" else b""
        return next((name for pattern, name in _BRANDS if pattern.match(brand)), "MP4")
    return next((name for pattern, name in _SIGNATURES if pattern.match(head)), None)
