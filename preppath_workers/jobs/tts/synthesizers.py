"""The two APIs that speak: into which parts a text is cut, how a part is paid for, and how the parts become
one MP3."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ...clients.openai.client import OpenAI, SpeechOptions
from ...clients.openai.models import MAX_SPEECH_INPUT
from ...clients.openai.realtime_frames import RATE, Usage
from ...errors import PermanentError
from ...log import fields
from ..paid_requests import PaidRequests
from .passages import passages
from .wording import difference

if TYPE_CHECKING:  # the Realtime API needs packages that /v1/audio/speech does not
    from ...clients.openai.realtime import RealtimeReader

# Before the fork, so that workers share the memory.
with suppress(ImportError):
    from ...clients.audio import mp3_encoder
    from ...clients.openai import realtime  # noqa: F401

logger = logging.getLogger(__name__)

#: Characters of one Realtime response, some half a minute of sound: the longer a text, the likelier a model
#: is to reword it.
MAX_READING = 400
#: Times that a part is asked for until it is read word for word.
MAX_READINGS = 3


@dataclass(frozen=True)
class SpeechCost:
    """What speaking took: requests made again because the words were wrong, and tokens, None if not told."""

    retries: int = 0
    usage: Usage | None = None

    def __add__(self, other: SpeechCost) -> SpeechCost:
        known = [usage for usage in (self.usage, other.usage) if usage]
        return SpeechCost(self.retries + other.retries, sum(known[1:], known[0]) if known else None)

    def as_metadata(self) -> dict[str, str]:
        """As an object's metadata, which a later attempt reads back."""
        return {"cost": json.dumps(asdict(self))}

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> SpeechCost:
        """What the metadata tells; nothing if it tells nothing."""
        try:
            told = json.loads(metadata.get("cost", "{}"))
            return cls(int(told["retries"]), Usage(**told["usage"]))
        except (ValueError, TypeError, KeyError):
            return cls()


class Synthesizer(Protocol):
    """Speaks the parts of one text."""

    #: The parts of the text.
    passages: Sequence[str]
    #: How the key of a stored part ends, and what such a part is.
    ending: str
    mime_type: str

    def synthesize(self, passage: str) -> tuple[bytes, SpeechCost]:
        """Pay for a part. Raises what the API's client raises, and PermanentError for a part that is not read
        word for word."""

    def join(self, parts: Sequence[bytes]) -> bytes:
        """Return the parts as one MP3."""


@contextmanager
def synthesizer(
    openai: OpenAI, requests: PaidRequests, text: str, options: SpeechOptions
) -> Iterator[Synthesizer]:
    """The configured API, for one text; its connection ends with the block."""
    if openai.config.speech_api == "realtime":
        with closing(openai.reader(options)) as reader:
            yield RealtimeSynthesizer(reader, requests, text)
    else:
        yield EndpointSynthesizer(openai, requests, text, options)


class EndpointSynthesizer:
    """`POST /v1/audio/speech`: each part is an MP3."""

    ending, mime_type = "mp3", "audio/mpeg"

    def __init__(self, openai: OpenAI, requests: PaidRequests, text: str, options: SpeechOptions) -> None:
        self.passages: Sequence[str] = passages(text, MAX_SPEECH_INPUT)
        self._openai, self._requests, self._options = openai, requests, options

    def synthesize(self, passage: str) -> tuple[bytes, SpeechCost]:
        return self._requests.make(partial(self._openai.synthesize, passage, self._options)), SpeechCost()

    def join(self, parts: Sequence[bytes]) -> bytes:
        # Players take MP3s put end to end for one: an MP3 is a row of frames that stand alone.
        return b"".join(parts)


class RealtimeSynthesizer:
    """The Realtime API: each part is bare samples, read by a voice model that has to be checked."""

    # A part is only good for the text that it is a part of by the same cut.
    ending, mime_type = f"{MAX_READING}.pcm", f"audio/L16;rate={RATE}"

    def __init__(self, reader: RealtimeReader, requests: PaidRequests, text: str) -> None:
        self.passages: Sequence[str] = passages(text, MAX_READING)
        self._reader, self._requests = reader, requests

    def synthesize(self, passage: str) -> tuple[bytes, SpeechCost]:
        cost, wrong = SpeechCost(), None
        for number in range(MAX_READINGS):
            reading = self._requests.make(partial(self._reader.read, passage))
            cost += SpeechCost(min(number, 1), reading.usage)
            wrong = difference(passage, reading.transcript)
            if wrong is None:
                return reading.samples, cost
            logger.warning(
                "The model did not read word for word",
                extra=fields(
                    reading=number + 1,
                    of=MAX_READINGS,
                    seconds=round(reading.seconds, 1),
                    usage=reading.usage.as_result(),
                    difference=wrong,
                ),
            )
        raise PermanentError(f"the model did not read word for word, {MAX_READINGS} times: {wrong}")

    def join(self, parts: Sequence[bytes]) -> bytes:
        return mp3_encoder.encode(b"".join(parts), RATE)
