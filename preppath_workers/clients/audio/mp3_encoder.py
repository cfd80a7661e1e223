"""Encode raw samples, which the Realtime API sends, as MP3."""

from __future__ import annotations

from collections.abc import Iterable

import lameenc

#: Bit rate, kbit/s: ample for one voice at 24 kHz.
KILOBITS = 64
#: LAME's quality, 0 (slow) to 9 (fast).
_QUALITY = 5
#: Bytes encoded per call, because signals are handled between calls only.
_CHUNK = 1_000_000


def encode(samples: bytes, rate: int) -> bytes:
    """Return an MP3 of 16-bit little-endian mono samples with the sample rate `rate`, Hz."""
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_in_sample_rate(rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_channels(1)
    encoder.set_bit_rate(KILOBITS)
    encoder.set_quality(_QUALITY)
    parts: Iterable[bytes] = (
        bytes(encoder.encode(samples[at : at + _CHUNK])) for at in range(0, len(samples), _CHUNK)
    )
    return b"".join([*parts, bytes(encoder.flush())])
