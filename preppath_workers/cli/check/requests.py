"""Send one minimal paid request of each kind, as the workers would, so that a vendor refuses a wrong setting
here and not in every job."""

from __future__ import annotations

import io
import time
import wave
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from ...clients.usage import Usage
from ...config.model import OpenAIConfig
from ...config.prices import NANO, Prices
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
#: What is spoken.
_WORD = "Yes."
#: Length of the silence that is transcribed, seconds.
_RECORDING_SECONDS = 1.0

#: Audio tokens of a second of speech, and text tokens of the instructions to read a word.
_AUDIO_TOKENS, _READING_TOKENS = 20, 500


def check_requests(config: OpenAIConfig, prices: Prices) -> Iterator[Finding]:
    """Yield a finding for each kind of request, with its maximum price."""
    from ...clients.openai.client import OpenAI  # imported here, because other commands do not need it

    limited = _limited(config)
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
                cost = price(queue, limited, prices)
                yield Finding("ok", what, f"answered in {seconds:.1f} s, costs {cost}")


def price(queue: str, config: OpenAIConfig, prices: Prices) -> str:
    """Return the maximum price of this queue's request, as text."""
    usage = {
        "evaluation": Usage("", {"cache_write": _PROMPT_TOKENS, "output": config.evaluation_max_tokens}),
        "transcription": Usage("", seconds=Decimal(_RECORDING_SECONDS)),
        "tts": Usage(
            "",
            {"input": _READING_TOKENS, "audio_output": round(_SPEECH_SECONDS * _AUDIO_TOKENS)},
            seconds=Decimal(_SPEECH_SECONDS),
            characters=len(_WORD),
        ),
    }[queue]
    model = config.models[queue].model
    nano = prices.cost(model, "default", usage.tokens, usage.seconds, usage.characters)
    if nano is None:
        return f"an unknown amount (no price for {model} is known)"
    return f"about ${max(nano / NANO, 0.0001):.4f} at most"


def _transcribe(openai: OpenAI) -> object:
    return openai.transcribe(_silence(), "recording.wav", "audio/wav")


def _synthesize(openai: OpenAI) -> object:
    from ...clients.openai.client import SpeechOptions

    options = SpeechOptions(openai.config.speech_voice)
    if openai.config.speech_api == "speech":
        return openai.synthesize(_WORD, options)
    with openai.reader(options) as reader:
        return reader.read(_WORD)


def _evaluate(openai: OpenAI) -> object:
    from ...jobs.evaluation import prompt
    from ...jobs.evaluation.scoring import parse_scores

    names = ("category", "difficulty", "expectedAnswer", "evaluationCriteria")
    question = {"question": "What is 1 + 1?", **dict.fromkeys(names)}
    messages = prompt.messages(prompt.described(question), "2")
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
