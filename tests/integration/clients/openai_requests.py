"""One small request of each kind, and how its error is classified."""

from __future__ import annotations

from io import BytesIO

from preppath_workers.clients.openai.client import OpenAI, SpeechOptions
from preppath_workers.errors import JobError, ServiceError


def classification(error: JobError) -> str:
    """The class of the error; of a ServiceError, what it says beyond that."""
    if not isinstance(error, ServiceError):
        return type(error).__name__
    assert error.service == "openai"
    return "refuses all" if error.refuses_all else "may be paid" if error.may_be_paid else "service"


def evaluate(openai: OpenAI) -> None:
    openai.evaluate([{"role": "user", "content": "Judge this."}], {})


def transcribe(openai: OpenAI) -> None:
    openai.transcribe(BytesIO(b"RIFF"), "a.wav", "audio/wav", "de")


def speak_text(openai: OpenAI) -> None:
    openai.synthesize("Hello.", SpeechOptions("alloy"))
