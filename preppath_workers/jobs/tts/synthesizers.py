"""The two speech APIs: how each splits a text, synthesizes a passage, and joins the parts into one MP3."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ...clients.openai.classification import SERVICE
from ...clients.openai.client import OpenAI, SpeechOptions
from ...clients.openai.models import MAX_SPEECH_INPUT
from ...clients.openai.realtime_frames import RATE, TokenUsage
from ...errors import PermanentError, ServiceError
from ...log import fields
from ..paid_requests import PaidRequests
from ..steps import note_try, tries_made
from .passages import is_spoken, passages
from .wording import difference

if TYPE_CHECKING:  # the Realtime API needs packages that /v1/audio/speech does not
    from ...clients.openai.realtime import RealtimeReader

# Imported before forking, so that workers share the memory.
with suppress(ImportError):
    from ...clients.audio import mp3_encoder
    from ...clients.openai import realtime  # noqa: F401 — RealtimeSynthesizer's reader comes from it

logger = logging.getLogger(__name__)

#: Longest passage for the Realtime API, characters. Models are more likely to reword long texts.
MAX_READING = 400
#: Requests for one passage until it is read word for word.
MAX_READINGS = 3


@dataclass(frozen=True)
class SpeechCost:
    """The cost of synthesis: requests repeated because words were wrong, and tokens, None if not reported."""

    retries: int = 0
    usage: TokenUsage | None = None

    def __add__(self, other: SpeechCost) -> SpeechCost:
        known = [usage for usage in (self.usage, other.usage) if usage]
        return SpeechCost(self.retries + other.retries, sum(known[1:], known[0]) if known else None)

    def as_metadata(self) -> dict[str, str]:
        """Return the cost as object metadata, for a later attempt."""
        return {"cost": json.dumps(asdict(self))}

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> SpeechCost:
        """Return the cost stored in object metadata; no cost if there is none."""
        try:
            stored = json.loads(metadata.get("cost", "{}"))
            usage = stored["usage"]
            return cls(int(stored["retries"]), None if usage is None else TokenUsage(**usage))
        except (ValueError, TypeError, KeyError):
            return cls()


class Synthesizer(Protocol):
    """Synthesizes one text, passage by passage."""

    passages: Sequence[str]
    #: Suffix of the S3 key of a stored part, and its MIME type.
    suffix: str
    mime_type: str

    def synthesize(self, number: int) -> tuple[bytes, SpeechCost]:
        """Return the audio of the passage with this index, and its cost: nothing for one without words.

        Raises the client's errors, and PermanentError if the model does not read the passage word for word.
        """

    def join(self, parts: Sequence[bytes]) -> bytes:
        """Return the parts as one MP3."""


@contextmanager
def synthesizer(
    openai: OpenAI, requests: PaidRequests, text: str, options: SpeechOptions
) -> Iterator[Synthesizer]:
    """Yield a synthesizer of the configured API for one text; close its connection at the end."""
    if openai.config.speech_api == "realtime":
        with closing(openai.reader(options)) as reader:
            yield RealtimeSynthesizer(reader, requests, text)
    else:
        yield EndpointSynthesizer(openai, requests, text, options)


class EndpointSynthesizer:
    """`POST /v1/audio/speech`: each part is an MP3."""

    suffix, mime_type = "mp3", "audio/mpeg"

    def __init__(self, openai: OpenAI, requests: PaidRequests, text: str, options: SpeechOptions) -> None:
        self.passages: Sequence[str] = passages(text, MAX_SPEECH_INPUT)
        self._openai, self._requests, self._options = openai, requests, options

    def synthesize(self, number: int) -> tuple[bytes, SpeechCost]:
        if not is_spoken(self.passages, number):
            return b"", SpeechCost()
        passage, context = self.passages[number], self._requests.context
        request = partial(self._openai.synthesize, passage, self._options, context)
        return self._requests.make(request), SpeechCost()

    def join(self, parts: Sequence[bytes]) -> bytes:
        # Concatenated MP3s are a valid MP3, because its frames are independent.
        return b"".join(parts)


class RealtimeSynthesizer:
    """The Realtime API: each part is raw samples, from a voice model whose words have to be checked."""

    # With the passages' length, because a stored part is only valid for the same split.
    suffix, mime_type = f"{MAX_READING}.pcm", f"audio/L16;rate={RATE}"

    def __init__(self, reader: RealtimeReader, requests: PaidRequests, text: str) -> None:
        self.passages: Sequence[str] = passages(text, MAX_READING)
        self._reader, self._requests = reader, requests

    def synthesize(self, number: int) -> tuple[bytes, SpeechCost]:
        if not is_spoken(self.passages, number):
            return b"", SpeechCost()
        passage, context, name = self.passages[number], self._requests.context, f"misread-{number}"
        before = tries_made(context, name, MAX_READINGS - 1)
        cost, wrong = SpeechCost(), None
        for tries in range(before + 1, MAX_READINGS + 1):
            reading = self._requests.make(partial(self._reader.read, passage, context))
            cost += SpeechCost(min(tries - 1, 1), reading.usage)
            wrong = difference(passage, reading.transcript or "")
            if wrong is None:
                return reading.samples, cost
            if reading.transcript is None:
                message = "OpenAI sent speech without a transcript, which the text is compared with"
                raise ServiceError(SERVICE, message, may_be_paid=True)
            logger.warning(
                "Model did not read the text word for word",
                extra=fields(
                    reading=tries,
                    of=MAX_READINGS,
                    seconds=round(reading.seconds, 1),
                    usage=reading.usage.as_result() if reading.usage else None,
                    difference=wrong,
                ),
            )
            if tries < MAX_READINGS:  # not the last, so that a replay makes one
                note_try(context, name, tries)
        raise PermanentError(
            f"the model did not read the text word for word in {MAX_READINGS} requests: {wrong}"
        )

    def join(self, parts: Sequence[bytes]) -> bytes:
        return mp3_encoder.encode(b"".join(parts), RATE)
