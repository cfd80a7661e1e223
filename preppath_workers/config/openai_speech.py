"""The voices and speeds of OpenAI's two speech APIs.

`speech` is `POST /v1/audio/speech`, which OpenAI shuts down on 2027-01-06 and compatible servers keep;
`realtime` is the Realtime API, a WebSocket.
"""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

#: Prefix of the names of OpenAI's Realtime models.
REALTIME_MODELS = "gpt-realtime"
#: Voices of the Realtime API (API reference, "Realtime", November 2026).
REALTIME_VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral"),
    *("echo", "marin", "sage", "shimmer", "verse"),
)
#: Voices that only the speech endpoint has, each with the most similar Realtime voice.
NEAREST_VOICES = {"fable": "ballad", "nova": "coral", "onyx": "cedar"}
#: Voices of the speech endpoint (API reference, "Create speech", November 2026).
SPEECH_VOICES = tuple(sorted((*REALTIME_VOICES, *NEAREST_VOICES)))
#: Prefix of the ids of an account's own voices.
CUSTOM_VOICES = "voice_"
#: Slowest and fastest speed (1 is normal) of each API (same reference).
SPEEDS = {"speech": (0.25, 4.0), "realtime": (0.25, 1.5)}
#: Modules that the Realtime API needs: WebSockets, and an MP3 encoder, because its audio is PCM.
_REALTIME_MODULES = ("websockets", "lameenc")


def api_of(model: str) -> str:
    """Return the API of the model, `speech` or `realtime`, by the model's name."""
    return "realtime" if model.startswith(REALTIME_MODELS) else "speech"


def is_openai(base_url: str | None) -> bool:
    """Return whether this is OpenAI's own API. Other vendors have other voices."""
    return base_url is None or (urlsplit(base_url).hostname or "").endswith("openai.com")


def voice_problem(api: str, model: str, base_url: str | None, voice: str) -> str | None:
    """Return the expected voices if the model does not have this one, else None.

    A gateway to an OpenAI model has OpenAI's voices; any other server may have others.
    """
    if not (is_openai(base_url) or (api == "realtime" and model.startswith(REALTIME_MODELS))):
        return None
    voices = REALTIME_VOICES if api == "realtime" else SPEECH_VOICES
    if voice in voices or voice.startswith(CUSTOM_VOICES):
        return None
    nearest = NEAREST_VOICES.get(voice) if api == "realtime" else None
    hint = f" (the Realtime API has no {voice}; {nearest} is the nearest)" if nearest else ""
    return f"one of {', '.join(voices)}{hint}"


def missing_modules() -> list[str]:
    """Return the modules that the Realtime API needs and that are not installed."""
    return [name for name in _REALTIME_MODULES if find_spec(name) is None]
