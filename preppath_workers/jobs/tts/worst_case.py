"""The most that the speech of texts can use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...clients.openai import worst_case
from ...clients.openai.models import MAX_SPEECH_INPUT
from ...clients.openai.realtime_frames import MAX_OUTPUT_TOKENS, SessionOptions
from ...clients.services import Services
from ...clients.usage import Usage
from ...config.model import OpenAIConfig
from ...errors import InvalidJob
from . import speech_of
from .passages import passages
from .speech import Speech
from .synthesizers import MAX_READING, MAX_READINGS


def worst_cases(datas: Sequence[dict[str, Any]], services: Services) -> Iterator[Sequence[Usage]]:
    """Yield the most that the requests of each job can use; none for a job that will be refused."""
    config = services.openai.config
    for data in datas:
        try:
            yield [*_requests(config, speech_of(data, services))]
        except InvalidJob:
            yield []


def _requests(config: OpenAIConfig, speech: Speech) -> Iterator[Usage]:
    options = speech.options
    if config.speech_api == "realtime":
        prompt = SessionOptions(speech.model, options.voice, options.speed, options.instructions).prompt
        for passage in passages(speech.text, MAX_READING):
            reading = worst_case.reading(speech.model, prompt, passage, MAX_OUTPUT_TOKENS)
            yield from [reading] * MAX_READINGS
    else:
        for passage in passages(speech.text, MAX_SPEECH_INPUT):
            yield worst_case.speech(speech.model, passage, options.speed)
