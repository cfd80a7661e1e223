"""Duration and pauses of recordings, with ffmpeg if it is installed."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO

import pytest

from preppath_workers.clients.audio import duration, ffmpeg
from preppath_workers.errors import PermanentError
from tests.support.wav import Wav

RATE = 8_000
needs_ffmpeg = pytest.mark.skipif(not ffmpeg.installed(), reason="ffmpeg is not installed")


def tone(seconds: float) -> bytes:
    return b"".join(struct.pack("<h", round(8_000 * math.sin(n / 3))) for n in range(round(seconds * RATE)))


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


@pytest.fixture
def file() -> Iterator[IO[bytes]]:
    with TemporaryFile() as file:
        yield file


@pytest.fixture
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


def write(file: IO[bytes], content: bytes) -> IO[bytes]:
    file.write(content)
    file.flush()
    return file


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_duration_of_wav_and_mp3_is_read_without_ffmpeg(file: IO[bytes], no_ffmpeg: None, kind: str) -> None:
    recording = Wav(silence(2), RATE)
    content = recording.wav_bytes("Hello.") if kind == "wav" else recording.mp3_bytes()

    assert duration.seconds(write(file, content)) == pytest.approx(2, abs=0.25)


def test_duration_of_a_wav_with_an_unfinished_header_is_unknown(file: IO[bytes], no_ffmpeg: None) -> None:
    content = bytearray(Wav(silence(2), RATE).wav_bytes())
    content[40:44] = b"\xff\xff\xff\x7f"  # the size of the data chunk

    assert duration.seconds(write(file, bytes(content))) is None


@pytest.mark.parametrize(
    "content", [b"x", b"RIFF", b"\x1a\x45\xdf\xa3 no real WebM", b"#EXTM3U\n/etc/passwd\n"]
)
def test_duration_of_an_unreadable_file_is_unknown(file: IO[bytes], content: bytes) -> None:
    assert duration.seconds(write(file, content)) is None


@needs_ffmpeg
def test_duration_of_other_formats_is_measured_by_ffmpeg(file: IO[bytes]) -> None:
    write(file, Wav(tone(2) + silence(1), RATE).wav_bytes())

    assert ffmpeg.seconds(file) == pytest.approx(3, abs=0.01)


@needs_ffmpeg
def test_pauses_of_a_recording_are_found(file: IO[bytes]) -> None:
    write(file, Wav(tone(2) + silence(1) + tone(1) + silence(0.2) + tone(1), RATE).wav_bytes())

    [pause] = ffmpeg.pauses(file)
    assert pause == pytest.approx((2, 3), abs=0.1)


@needs_ffmpeg
def test_pauses_at_the_end_of_a_recording_are_found(file: IO[bytes]) -> None:
    write(file, Wav(tone(1) + silence(1), RATE).wav_bytes())

    assert ffmpeg.silences(file) == [(pytest.approx(1, abs=0.1), math.inf)]


@needs_ffmpeg
def test_low_voice_is_a_pause_and_not_silence(file: IO[bytes]) -> None:
    low = struct.pack("<h", 150) + struct.pack("<h", -150)  # -47 dB
    write(file, Wav(low * RATE, RATE).wav_bytes())

    assert (len(ffmpeg.pauses(file)), ffmpeg.silences(file)) == (1, [])


@needs_ffmpeg
def test_cut_of_a_recording_returns_the_part(file: IO[bytes]) -> None:
    write(file, Wav(tone(1) + silence(1) + tone(1), RATE).wav_bytes())

    with TemporaryFile() as part:
        ffmpeg.cut(file, 1.1, 0.8, part)
        with wave.open(part, "rb") as cut:
            assert (cut.getframerate(), cut.getnchannels(), cut.getsampwidth()) == (16_000, 1, 2)
            assert cut.getnframes() / 16_000 == pytest.approx(0.8, abs=0.01)
            assert max(cut.readframes(cut.getnframes())[1::2]) in (0, 255), "the quiet second"


@needs_ffmpeg
def test_ffmpeg_given_a_playlist_does_not_follow_it(file: IO[bytes]) -> None:
    write(file, b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n")

    with pytest.raises(PermanentError):
        ffmpeg.pauses(file)
