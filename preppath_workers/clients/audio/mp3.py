"""The duration of an MP3, from its frames' headers (ISO/IEC 11172-3 and 13818-3, layer III)."""

from __future__ import annotations

from mmap import mmap
from typing import NamedTuple

#: Bit rates by the header's index, kbit/s, for MPEG 1 and for MPEG 2 and 2.5. Index 0 means "free format".
_KILOBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
#: Sample rates of MPEG 1 by the header's index, Hz.
_RATES = (44_100, 48_000, 32_000)
#: Divisors of MPEG 1's sample rate by the header's version bits. 1 is reserved.
_DIVISORS = {0: 4, 2: 2, 3: 1}
#: Sizes of an ID3v1 tag and of an ID3v2 header or footer, bytes.
_TAG, _ID3_HEADER = 128, 10


class _Frame(NamedTuple):
    bytes: int
    seconds: float


def seconds(data: bytes | mmap) -> float | None:
    """Return the MP3's duration in seconds, or None if it isn't an MP3. Concatenated MP3s count as one."""
    at, played = 0, 0.0
    while at < len(data):
        frame = _frame(data[at : at + 4])
        if frame:
            played += frame.seconds
        skip = frame.bytes if frame else _tag(data[at : at + _ID3_HEADER])
        if not skip:
            return None
        at += skip
    return played or None


def has_frame(data: bytes) -> bool:
    """Return whether a frame begins anywhere in the data."""
    at = data.find(b"\xff")
    while at >= 0:
        if _frame(data[at : at + 4]):
            return True
        at = data.find(b"\xff", at + 1)
    return False


def _frame(header: bytes) -> _Frame | None:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:  # sync, layer III
        return None
    divisor = _DIVISORS.get(header[1] >> 3 & 3)
    bit_rate, rate = header[2] >> 4, header[2] >> 2 & 3
    if divisor is None or not 0 < bit_rate < 15 or rate == 3:
        return None
    kilobits = (_KILOBITS_1 if divisor == 1 else _KILOBITS_2)[bit_rate]
    samples = 1_152 if divisor == 1 else 576
    frequency = _RATES[rate] // divisor
    padding = header[2] >> 1 & 1
    return _Frame(samples // 8 * kilobits * 1_000 // frequency + padding, samples / frequency)


def _tag(header: bytes) -> int:
    """Return the size of the ID3 tag that begins here, bytes; 0 if there is none."""
    if header[:3] == b"TAG":
        return _TAG
    if header[:3] != b"ID3" or len(header) < _ID3_HEADER:
        return 0
    size = sum((byte & 0x7F) << shift for byte, shift in zip(header[6:10], (21, 14, 7, 0), strict=True))
    has_footer = header[5] & 0x10
    return size + _ID3_HEADER * (2 if has_footer else 1)
