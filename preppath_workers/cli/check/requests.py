"""Send one minimal paid request of each kind, as the workers would, so that a vendor refuses a wrong setting
here and not in every job."""

from __future__ import annotations

import io
import time
import wave
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from ...config.model import Config, OpenAIConfig
from ...errors import JobError, RateLimited
from .findings import Finding

if TYPE_CHECKING:
    from ...clients.openai.client import OpenAI

#: Seconds without a response after which a request fails.
_TIMEOUT = 60.0
#: Most tokens of the evaluation's prompt; those of the reply are configured.
_PROMPT_TOKENS = 1_000
#: Longest speech for one word, seconds.
_SPEECH_SECONDS = 5.0
#: Length of the silence that is transcribed, seconds.
_RECORDING_SECONDS = 1.0

#: US dollars per million tokens of input and output (OpenAI's model pages, autumn 2026).
_TOKEN_PRICES = {"gpt-6-luna": (0.1, 0.5), "gpt-6-sol": (2.0, 10.0)}
#: US dollars per minute of audio, from the same pages; prices of speech are OpenAI's estimates.
_MINUTE_PRICES = {"gpt-transcribe": 0.0045, "gpt-4o-mini-tts": 0.015, "gpt-realtime-2.1-mini": 0.03}


def check_requests(config: Config) -> Iterator[Finding]:
    """Yield a finding for each kind of request, with its maximum price."""
    from ...clients.openai.client import OpenAI  # imported here, because other commands do not need it

    limited = _limited(config.openai)
    requests: Mapping[str, Callable[[OpenAI], object]] = {
        "transcription": _transcribe,
        "tts": _synthesize,
        "evaluation": _evaluate,
    }
    with closing(OpenAI(limited)) as openai:
        for queue, request in requests.items():
            what = f"{queue} request"
            started = time.monotonic()
            try:
                request(openai)
            except RateLimited as error:
                yield Finding("warning", what, str(error))
            except JobError as error:
                yield Finding("error", what, str(error))
            else:
                seconds = time.monotonic() - started
                cost = price(queue, limited)
                yield Finding("ok", what, f"answered in {seconds:.1f} s, costs {cost}")


def price(queue: str, config: OpenAIConfig) -> str:
    """Return the maximum price of this queue's request, as text."""
    model = config.models[queue].model
    if queue == "evaluation":
        found = _TOKEN_PRICES.get(model)
        dollars = found and (found[0] * _PROMPT_TOKENS + found[1] * config.evaluation_max_tokens) / 1e6
    else:
        seconds = _SPEECH_SECONDS if queue == "tts" else _RECORDING_SECONDS
        minute = _MINUTE_PRICES.get(model)
        dollars = minute and minute * seconds / 60
    if dollars is None:
        return f"an unknown amount (no price for {model} is known)"
    return f"about ${max(dollars, 0.0001):.4f} at most"


def _transcribe(openai: OpenAI) -> object:
    return openai.transcribe(_silence(), "recording.wav", "audio/wav")


def _synthesize(openai: OpenAI) -> object:
    from ...clients.openai.client import SpeechOptions

    options = SpeechOptions(openai.config.speech_voice)
    if openai.config.speech_api == "speech":
        return openai.synthesize("Yes.", options)
    with openai.reader(options) as reader:
        return reader.read("Yes.")


def _evaluate(openai: OpenAI) -> object:
    from ...jobs.evaluation import prompt
    from ...jobs.evaluation.scoring import parse_scores

    names = ("category", "difficulty", "expectedAnswer", "evaluationCriteria")
    question = {"question": "What is 1 + 1?", **dict.fromkeys(names)}
    messages = prompt.messages(question, "2")
    return parse_scores(openai.evaluate(messages, prompt.SCHEMA))


def _limited(config: OpenAIConfig) -> OpenAIConfig:
    """Return the configuration with timeouts of at most `_TIMEOUT`."""
    evaluation, transcription, speech = (
        replace(each, timeout=min(each.timeout, _TIMEOUT))
        for each in (config.evaluation, config.transcription, config.speech)
    )
    return replace(config, evaluation=evaluation, transcription=transcription, speech=speech)


def _silence() -> io.BytesIO:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(round(2 * 16_000 * _RECORDING_SECONDS)))
    file.seek(0)
    return file
