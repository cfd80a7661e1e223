"""The events of one Realtime response, with the text spoken by eSpeak NG and the ordered fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from preppath_workers.offline.api.realtime_events import RATE, Ending, events
from tests.support import speech, wav

from .faults import Fault


def speak(wanted: Mapping[str, Any], text: str, fault: Fault) -> Iterator[dict[str, Any]]:
    """Yield every event from `response.created` to `response.done`."""
    said = fault.content if isinstance(fault.content, str) else text
    output = wanted["audio"]["output"]
    sound = _sound(said, output["voice"], output.get("speed", 1.0))
    ending = Ending(fault.ends or "completed", _details(fault))
    if ending.status != "completed":
        sound, said = sound[: len(sound) // 4 * 2], said[: len(said) // 2]
    limits = _rate_limits(used_up=fault.ends == "failed" and fault.code == "rate_limit_exceeded")
    yield from events(wanted, said, [sound], ending, limits)


@lru_cache(maxsize=32)
def _sound(text: str, voice: str, speed: float) -> bytes:
    """The spoken text's samples; kept, since changing their rate takes ten times as long as the speech."""
    return wav.resampled(speech.synthesize(text, voice, speed), RATE).samples


def _details(fault: Fault) -> dict[str, Any] | None:
    if fault.ends in (None, "completed"):
        return None
    details: dict[str, Any] = {"type": fault.ends}
    if fault.finish_reason:
        details["reason"] = fault.finish_reason
    if fault.ends == "failed":
        details["error"] = {
            "type": fault.type or "server_error",
            "code": fault.code,
            "message": fault.message,
        }
    return details


def _rate_limits(used_up: bool) -> dict[str, Any]:
    limits = [("requests", 1_000, 999, 0.06), ("tokens", 100_000, 0 if used_up else 95_000, 3.0)]
    names = ("name", "limit", "remaining", "reset_seconds")
    return {
        "type": "rate_limits.updated",
        "rate_limits": [dict(zip(names, each, strict=True)) for each in limits],
    }
