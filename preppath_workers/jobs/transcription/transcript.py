"""What was heard in a recording, as it is stored with the job."""

from __future__ import annotations

from typing import Any


def transcript(text: str, duration: float | None, silent: float, doubtful: int) -> dict[str, Any]:
    """Return `{text, duration, silentSeconds, doubtfulSegments}`; see the job's result."""
    return {
        "text": text,
        "duration": duration,
        "silentSeconds": round(silent, 1),
        "doubtfulSegments": doubtful,
    }
