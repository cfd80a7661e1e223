"""Synthesized speech: voices, speed, WAV with its transcript, and MP3."""

from __future__ import annotations

import array
import io
import subprocess
import sys
import wave
from concurrent.futures import ThreadPoolExecutor
from operator import mul

import pytest

from tests.support.speech import VOICES, synthesize
from tests.support.wav import Wav, comment_of, seconds_of

pytestmark = pytest.mark.trial

TEXT = "An index makes reads fast and writes slow."


def pitch(sound: Wav) -> float:
    """Return the pitch in Hz of the loudest moment, by autocorrelation."""
    samples = array.array("h", sound.samples)
    loudest = max(range(0, len(samples) - 2_000, 500), key=lambda at: sum(map(abs, samples[at : at + 2_000])))
    moment = samples[loudest : loudest + 2_000]
    lags = range(60, 400)
    return sound.rate / max(lags, key=lambda lag: sum(map(mul, moment[:1_600], moment[lag:])))


def test_each_voice_differs_from_all_others() -> None:
    assert len(set(VOICES.values())) == len(VOICES)


def test_voices_differ_in_pitch() -> None:
    assert (
        pitch(synthesize(TEXT, "onyx")) < pitch(synthesize(TEXT, "verse")) < pitch(synthesize(TEXT, "coral"))
    )


def test_speed_changes_the_duration() -> None:
    normal = synthesize(TEXT).seconds
    assert 1.5 < normal < 5
    assert synthesize(TEXT, speed=2).seconds < 0.6 * normal
    assert synthesize(TEXT, speed=0.5).seconds > 1.7 * normal


def test_synthesize_with_an_unknown_voice_raises() -> None:
    with pytest.raises(KeyError):
        synthesize(TEXT, "unknown")


def test_synthesize_in_threads_starts_one_engine() -> None:
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from tests.support.speech import synthesize\n"
        "print(len(list(ThreadPoolExecutor(8).map(synthesize, ['Hello.'] * 8))))"
    )
    spoken = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (spoken.returncode, spoken.stdout) == (0, "8\n")


def test_synthesize_in_threads_keeps_each_speed() -> None:
    speeds = [0.5, 1, 2] * 6
    alone = {speed: synthesize(TEXT, speed=speed).seconds for speed in speeds}
    with ThreadPoolExecutor(8) as pool:
        together = pool.map(lambda speed: synthesize(TEXT, speed=speed).seconds, speeds)
    assert list(together) == pytest.approx([alone[speed] for speed in speeds], rel=0.05)


@pytest.mark.parametrize("comment", ["odd", "even", "Ça marche — 好", ""])
def test_wav_with_a_comment_contains_it_and_the_samples(comment: str) -> None:
    sound = synthesize(TEXT)
    file = sound.wav_bytes(comment)
    assert comment_of(file) == comment
    assert seconds_of(file) == sound.seconds
    with wave.open(io.BytesIO(file)) as opened:
        assert opened.getparams()[:3] == (1, 2, sound.rate)
        assert opened.readframes(opened.getnframes()) == sound.samples


def test_wav_without_a_comment_has_none() -> None:
    assert comment_of(synthesize(TEXT).wav_bytes()) is None


@pytest.mark.parametrize("file", [b"", b"RIFF", b"not sound", b"RIFF\x04\0\0\0WAVE", b"\0" * 100])
def test_seconds_of_other_files_raises(file: bytes) -> None:
    assert comment_of(file) is None
    with pytest.raises(ValueError, match="WAV"):
        seconds_of(file)


def test_mp3_consists_of_whole_frames() -> None:
    sound = Wav(synthesize(TEXT).samples, 22_050)
    file = sound.mp3_bytes()
    # MPEG-2 layer III at 22.05 kHz: 576 samples per frame, 144/2 * bits per second / rate bytes and padding.
    frames, at = 0, 0
    while at < len(file):
        assert file[at : at + 2] == b"\xff\xf3"
        at += 72 * 64_000 // 22_050 + (file[at + 2] >> 1 & 1)
        frames += 1
    assert at == len(file)
    assert abs(frames * 576 / 22_050 - sound.seconds) < 0.15
