"""Settings of a Realtime session and of a response, checked with the real API's error codes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ...config.openai_speech import REALTIME_VOICES, SPEEDS
from .errors import ApiError

SLOWEST, FASTEST = SPEEDS["realtime"]
#: The only format that this server has; the real one has two more, for telephones.
PCM = {"type": "audio/pcm", "rate": 24_000}
EFFORTS = ("minimal", "low", "medium", "high", "xhigh")

_COMMON = frozenset(
    {"output_modalities", "instructions", "audio", "tools", "tool_choice", "max_output_tokens", "reasoning"}
)
_SESSION = _COMMON | {"type", "model", "tracing", "truncation", "include"}
_RESPONSE = _COMMON | {"conversation", "input", "metadata"}


def check_session(given: Any, settings: Mapping[str, Any], has_spoken: bool) -> dict[str, Any]:
    """Return the settings, updated. Raises ApiError (400)."""
    session = _object(given, "session", _SESSION)
    if session.get("type") != "realtime":
        raise ApiError(400, "Missing or wrong 'session.type'.", "missing_required_parameter", "session.type")
    _check_common(session, "session")
    output = _output(session, "session", speed=True)
    before = settings["audio"]["output"]
    if has_spoken and output.get("voice", before["voice"]) != before["voice"]:
        message = "Cannot update a conversation's voice if assistant audio is present."
        raise ApiError(400, message, "cannot_update_voice", "session.audio.output.voice")
    return {**settings, **session, "audio": {"output": {**before, **output}}}


def check_response(given: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a response, with the session's as defaults. Raises ApiError (400)."""
    response = _object(given, "response", _RESPONSE)
    _check_common(response, "response")
    if response.get("conversation", "auto") not in ("auto", "none"):
        raise ApiError(400, "Invalid 'response.conversation'.", "invalid_value", "response.conversation")
    output = {**settings["audio"]["output"], **_output(response, "response", speed=False)}
    return {**settings, **response, "audio": {"output": output}}


def _check_common(given: Mapping[str, Any], where: str) -> None:
    if given.get("output_modalities", ["audio"]) not in (["audio"], ["text"]):
        message = f"Invalid '{where}.output_modalities': expected ['audio'] or ['text']."
        raise ApiError(400, message, "invalid_value", f"{where}.output_modalities")
    most = given.get("max_output_tokens", "inf")
    if most != "inf" and not (isinstance(most, int) and 1 <= most <= 4_096):
        message = f"Invalid '{where}.max_output_tokens': expected 1 to 4096, or 'inf'."
        raise ApiError(400, message, "integer_above_max_value", f"{where}.max_output_tokens")
    reasoning = given.get("reasoning")
    if reasoning is not None and reasoning.get("effort") not in EFFORTS:
        message = f"Invalid '{where}.reasoning.effort'."
        raise ApiError(400, message, "invalid_value", f"{where}.reasoning.effort")


def _output(given: Mapping[str, Any], where: str, speed: bool) -> dict[str, Any]:
    place = f"{where}.audio.output"
    known = frozenset({"format", "voice", *(["speed"] if speed else [])})
    output = _object(given.get("audio", {}).get("output", {}), place, known)
    if output.get("format", PCM) != PCM:
        raise ApiError(
            400, f"Invalid '{place}.format': this server has {PCM}.", "invalid_value", f"{place}.format"
        )
    if output.get("voice", "alloy") not in REALTIME_VOICES:
        message = f"Invalid '{place}.voice': expected one of {', '.join(REALTIME_VOICES)}."
        raise ApiError(400, message, "invalid_value", f"{place}.voice")
    if not SLOWEST <= output.get("speed", 1.0) <= FASTEST:
        message = f"Invalid '{place}.speed': expected {SLOWEST} to {FASTEST}."
        raise ApiError(400, message, "decimal_above_max_value", f"{place}.speed")
    return output


def _object(given: Any, where: str, known: Collection[str]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ApiError(400, f"Invalid '{where}': expected an object.", "invalid_type", where)
    for name in given:
        if name not in known:
            raise ApiError(
                400, f"Unknown parameter: '{where}.{name}'.", "unknown_parameter", f"{where}.{name}"
            )
    return given
