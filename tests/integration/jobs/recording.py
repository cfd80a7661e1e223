"""A recording of three seconds, and what is said in it."""

from __future__ import annotations

from tests.support.wav import Wav

AUDIO = Wav(b"\x00\x20\x00\xe0" * (3 * 4_000), 8_000).wav_bytes("I would use a queue.")
