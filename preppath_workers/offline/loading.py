"""Load the engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .engines.embeddings import Embedder
from .engines.recognition import Recognizer
from .engines.synthesis import Synthesizer

_Engine = TypeVar("_Engine")


class EngineFailed(Exception):
    """An engine cannot be loaded."""


@dataclass(frozen=True)
class Engines:
    """The loaded engines."""

    recognizer: Recognizer
    synthesizer: Synthesizer
    embedder: Embedder

    @property
    def descriptions(self) -> dict[str, str]:
        """What each part of the API runs on."""
        return {
            "transcription": self.recognizer.description,
            "speech": self.synthesizer.description,
            "evaluation": f"{self.embedder.description}, a stand-in for a language model",
        }


def load_engines(whisper_model: str | None, threads: int, progress: Callable[[str], None]) -> Engines:
    """Load every engine, each with this many threads; `progress` is called with a name before each. Raises
    EngineFailed."""
    recognizer = f"Whisper {whisper_model}" if whisper_model else "speech recognition"
    return Engines(
        _load(recognizer, lambda: Recognizer(whisper_model, threads), progress),
        _load("speech", lambda: Synthesizer(threads), progress),
        _load("evaluation", lambda: Embedder(threads), progress),
    )


def _load(name: str, load: Callable[[], _Engine], progress: Callable[[str], None]) -> _Engine:
    progress(name)
    try:
        return load()
    except Exception as error:  # the libraries raise errors of many kinds, some of them OSErrors
        raise EngineFailed(f"cannot load {name}: {' '.join(str(error).split())}") from error
