from __future__ import annotations

import lameenc
import pytest

from preppath_workers.clients.audio import mp3
from tests.support.wav import Wav


def encoded(seconds: float, rate: int = 24_000, kilobits: int = 64) -> bytes:
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_in_sample_rate(rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_channels(1)
    encoder.set_bit_rate(kilobits)
    return bytes(encoder.encode(bytes(2 * round(seconds * rate))) + encoder.flush())


@pytest.mark.parametrize(
    ("rate", "kilobits"), [(44_100, 128), (48_000, 64), (32_000, 96), (24_000, 64), (16_000, 32), (8_000, 16)]
)
def test_seconds_sums_the_frames(rate: int, kilobits: int) -> None:
    # The encoder adds up to three frames of silence.
    assert mp3.seconds(encoded(3, rate, kilobits)) == pytest.approx(3, abs=0.25)


def test_seconds_of_concatenated_files_with_tags_is_their_sum() -> None:
    one = encoded(1)
    id3v2 = b"ID3\x04\x00\x00\x00\x00\x01\x02" + bytes(130)
    id3v1 = b"TAG" + bytes(125)

    assert mp3.seconds(id3v2 + one + id3v1 + id3v2 + one) == pytest.approx(2 * mp3.seconds(one))


def test_seconds_counts_a_truncated_last_frame() -> None:
    assert mp3.seconds(encoded(1)[:-10]) == mp3.seconds(encoded(1))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"no sound",
        Wav(bytes(800), 8_000).wav_bytes(),
        b"\xff\xfb\xf0\x00" + bytes(500),
        b"\xff\xfb\x00\x00" + bytes(500),
        b"\xff\xff\xff\xff" * 100,
        b"ID3",
        encoded(1) + b"something else",
    ],
    ids=[
        "nothing",
        "a byte",
        "text",
        "WAV",
        "wrong bit rate",
        "free bit rate",
        "all ones",
        "half a tag",
        "mixed",
    ],
)
def test_seconds_of_anything_but_mp3_is_none(data: bytes) -> None:
    assert mp3.seconds(data) is None
