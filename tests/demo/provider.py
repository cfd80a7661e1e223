"""What hears, speaks and judges in the demo: OpenAI, real engines on this machine, or a scripted stand-in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import requests

from tests.fake_openai.control import OpenAIServer
from tests.support import speech
from tests.support.offline import API_KEY, OfflineServer, is_installed

#: Least seconds of each response of the scripted stand-in, so that running jobs can be seen.
_LATENCY = 0.5

#: The candidate's voice.
_VOICE = "cedar"


@dataclass(frozen=True)
class Provider:
    """One of the three. `server` is None for OpenAI itself."""

    #: Which part is real and which is a stand-in, a line each.
    description: Sequence[str]
    server: OfflineServer | OpenAIServer | None
    #: Whether it really hears. If not, each recording must carry its words.
    hears: bool = True

    @property
    def variables(self) -> Mapping[str, str]:
        """Variables for the workers' configuration."""
        if self.server is None:
            return {}
        return {"OPENAI_BASE_URL": self.server.base_url, "OPENAI_API_KEY": f"sk-{API_KEY}"}

    def speak(self, text: str) -> bytes:
        """Return an answer as the candidate speaks it: MP3."""
        if self.server is None:
            return speech.synthesize(text, _VOICE).mp3_bytes()
        answer = requests.post(
            f"{self.server.base_url}/audio/speech",
            json={"model": "gpt-4o-mini-tts", "input": text, "voice": _VOICE, "response_format": "mp3"},
            headers={"Authorization": f"Bearer sk-{API_KEY}"},
            timeout=60,
        )
        answer.raise_for_status()
        return answer.content


def choose(light: bool) -> Provider:
    """Return OpenAI if OPENAI_API_KEY is set, else the offline provider if it is installed, else the scripted
    stand-in. `light` chooses the last."""
    if light:
        return _scripted()
    if os.environ.get("OPENAI_API_KEY"):
        return Provider(
            [
                "OPENAI_API_KEY is set, so OpenAI is used, and charges for some 20 small requests.",
                "Redis, PostgreSQL and S3 (moto) are on loopback. Answers are spoken by eSpeak NG.",
            ],
            None,
        )
    if is_installed():
        return Provider(
            [
                "Real: the workers, Valkey, PostgreSQL, speech (Piper), speech recognition (Whisper tiny).",
                "Stand-ins: moto for S3, and for a language model a grader that compares meanings.",
            ],
            OfflineServer(),
        )
    scripted = _scripted()
    notice = "The extra [offline] is not installed, so a scripted stand-in takes OpenAI's place."
    return Provider([notice, *scripted.description], scripted.server, scripted.hears)


def _scripted() -> Provider:
    return Provider(
        [
            "Real: the workers, Valkey, PostgreSQL, speech (eSpeak NG).",
            "Stand-ins: moto for S3, and a scripted server for OpenAI. It doesn't hear: it reads the words",
            "that each recording carries. It doesn't judge: it counts keywords.",
        ],
        OpenAIServer(latency=_LATENCY),
        hears=False,
    )
