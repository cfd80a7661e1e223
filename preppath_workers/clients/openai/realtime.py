"""Read texts aloud with OpenAI's Realtime API: one WebSocket session, one response per text.

A voice model may answer or reword a text instead of reading it, so the caller has to compare the transcript.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from math import ceil
from socket import SHUT_RDWR
from typing import Any, cast

import openai
import openai.resources.realtime  # before the fork; the SDK imports it lazily
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from ...errors import TransientError
from ..machine import machine_error
from ..usage import UNMETERED, Meter, Payment, Usage
from ..vendor_limits import limits_in_event
from . import worst_case
from .classification import RequestInfo
from .connection import MAX_RESPONSE, ResponseTooLarge
from .realtime_errors import Progress, realtime_errors, refused_event, unfinished
from .realtime_frames import (
    AUDIO_TOKENS,
    MAX_OUTPUT_TOKENS,
    RATE,
    SessionOptions,
    TokenUsage,
    response_request,
    seconds_to_wait,
    session_request,
)
from .reported import field, items
from .usage import realtime_usage, reports_usage

#: Seconds to connect, the handshake included.
_OPEN_TIMEOUT = 10.0
#: Seconds for the closing handshake.
_CLOSE_TIMEOUT = 1.0
#: Bytes of the largest message that is accepted.
_MAX_MESSAGE = 16 * 1024 * 1024
#: Seconds after which a session is replaced: OpenAI ends a session after 60 minutes.
_SESSION_LIFE = 3_000.0
#: Events with audio and transcripts, by the API's names and those of its beta, which other servers use.
_AUDIO = frozenset({"response.output_audio.delta", "response.audio.delta"})
_TRANSCRIPTS = frozenset({"response.output_audio_transcript.done", "response.audio_transcript.done"})


@dataclass(frozen=True)
class Reading:
    """A text as the model read it: 16-bit little-endian mono samples at `RATE` Hz; the transcript and the
    usage, if the server has sent them."""

    samples: bytes
    transcript: str | None
    usage: TokenUsage | None

    @property
    def seconds(self) -> float:
        """The duration."""
        return len(self.samples) / 2 / RATE


class RealtimeReader:
    """A session with the model, opened with the first text; a context manager that ends it.

    `silence`: seconds without any event after which a response counts as failed. The SDK's own timeouts do
    not apply to a WebSocket, and its retries are not used: retries are the queue's.
    """

    def __init__(
        self, client: openai.OpenAI, request: RequestInfo, options: SessionOptions, silence: float
    ) -> None:
        self._client = client
        self._request = request
        self._options = options
        self._silence = silence
        self._opened = ExitStack()
        self._socket: ClientConnection | None = None
        self._opened_at = 0.0

    def __enter__(self) -> RealtimeReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session, if one is open."""
        opened, self._opened, self._socket = self._opened, ExitStack(), None
        with suppress(Exception):  # nothing is lost if the session does not close cleanly
            opened.close()

    def read(self, text: str, meter: Meter = UNMETERED) -> Reading:
        """Return the text as the model read it, right or wrong. Makes one paid request.

        Raises RateLimited, ServiceError (with `may_be_paid` once the response is requested), PermanentError
        for what the job's values cause, and TransientError for a speech that was cut off.
        """
        progress = Progress()
        most = worst_case.reading(self._options.model, self._options.prompt, text, MAX_OUTPUT_TOKENS)
        try:
            with meter.payment(most) as payment, realtime_errors(self._request, progress):
                self._ask(text)
                progress.sent = True
                return self._receive(payment, most)
        except BaseException:  # the rest of this response would be mixed with the next
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        """End the session without its closing handshake, which a silent server would delay."""
        if self._socket:
            with suppress(OSError):
                self._socket.socket.shutdown(SHUT_RDWR)
        self.close()

    def _ask(self, text: str) -> None:
        """Request the response, in a new session if the server has ended the old one."""
        if time.monotonic() - self._opened_at > _SESSION_LIFE:
            self.close()
        request = json.dumps(response_request(self._options, text))
        if self._socket:
            try:
                self._socket.send(request)
            except ConnectionClosed:
                self.close()
            else:
                return
        self._open().send(request)

    def _open(self) -> ClientConnection:
        options = {
            "open_timeout": min(_OPEN_TIMEOUT, self._silence),
            "close_timeout": _CLOSE_TIMEOUT,
            "ping_interval": None,  # silence is judged by `silence`
            "max_size": _MAX_MESSAGE,
            "compression": None,
            "create_connection": self._made,
        }
        connecting = self._client.realtime.connect(
            model=self._options.model, websocket_connection_options=cast("Any", options)
        )
        self._opened.enter_context(connecting)
        assert self._socket is not None
        self._opened_at = time.monotonic()
        self._socket.send(json.dumps(session_request(self._options)))
        while (event := self._next())["type"] != "session.updated":
            if event["type"] == "error":
                raise refused_event(event.get("error"), self._request, is_setup=True)
        return self._socket

    def _made(self, *args: Any, **options: Any) -> ClientConnection:
        try:
            self._socket = ClientConnection(*args, **options)
        except RuntimeError as error:  # it starts a thread
            raise machine_error(error) or error from None
        return self._socket

    def _next(self) -> dict[str, Any]:
        """Return the next event. Raises TimeoutError, ConnectionClosed, and ValueError for anything else."""
        assert self._socket is not None
        event = json.loads(self._socket.recv(self._silence, decode=False))
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise ValueError("not an event")
        return event

    def _receive(self, payment: Payment, most: Usage) -> Reading:
        answer = _Answer()
        while True:
            event = self._next()
            if event["type"] == "rate_limits.updated":
                payment.note_limits(limits_in_event(event.get("rate_limits")))
            if event["type"] == "error":
                raise refused_event(event.get("error"), self._request, may_be_paid=answer.id is not None)
            if response := answer.take(event):
                is_complete = response.get("status") == "completed"
                if is_complete or reports_usage(response.get("usage")):
                    payment.charge(realtime_usage(response, answer.bounded(most)))
                if not is_complete:
                    raise unfinished(response, self._request, answer.reset)
                return answer.reading(response)


class _Answer:
    """The events of one response received so far."""

    def __init__(self) -> None:
        self.id: Any = None
        #: Seconds until the account's exhausted limits reset, if reported.
        self.reset: float | None = None
        self._samples = bytearray()
        self._transcripts: list[str] = []

    def take(self, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Take an event of the response, ignoring those of others; return it at its end."""
        response = event.get("response")
        response = response if isinstance(response, Mapping) else {}
        if self.id is not None and event.get("response_id", response.get("id", self.id)) != self.id:
            return None
        if event["type"] == "response.created":
            self.id = response.get("id", "")
            # What came before is left over from the session's last response.
            self._samples.clear()
            self._transcripts.clear()
        elif event["type"] == "rate_limits.updated":
            self.reset = seconds_to_wait(event)
        elif event["type"] in _AUDIO and isinstance(event.get("delta"), str):
            self._samples += base64.b64decode(event["delta"], validate=True)
            if len(self._samples) > MAX_RESPONSE:
                raise ResponseTooLarge("the speech is too large")
        elif event["type"] in _TRANSCRIPTS and isinstance(event.get("transcript"), str):
            self._transcripts.append(event["transcript"])
        elif event["type"] == "response.done":
            return {"status": None, **response}
        return None

    def bounded(self, most: Usage) -> Usage:
        """Return the most that the response can have used, by its audio."""
        spoken = ceil(len(self._samples) / 2 / RATE * AUDIO_TOKENS)
        most_spoken = min(spoken, most.tokens["audio_output"])
        return replace(most, tokens={**most.tokens, "audio_output": most_spoken})

    def reading(self, response: Mapping[str, Any]) -> Reading:
        """Return the finished reading. Raises TransientError if it has no audio."""
        if len(self._samples) < 2:
            raise TransientError("OpenAI answered with an empty speech")
        samples = bytes(self._samples[: len(self._samples) // 2 * 2])
        transcripts = self._transcripts or [*_transcripts(response)]
        transcript = " ".join(transcripts) if transcripts else None
        usage = response.get("usage")
        return Reading(samples, transcript, TokenUsage.of(usage) if reports_usage(usage) else None)


def _transcripts(response: Mapping[str, Any]) -> Iterator[str]:
    """Yield the transcripts in a finished response."""
    for item in items(response, "output"):
        for part in items(item, "content"):
            if isinstance(transcript := field(part, "transcript"), str):
                yield transcript
