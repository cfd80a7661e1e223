"""A job that does what its data says, for the tests of the page. A real supervisor runs it."""

from __future__ import annotations

import time
from typing import TypedDict

from preppath_workers import JobContext, PermanentError, ServiceError, job


class Script(TypedDict):
    """`end`: how the job ends after it has reported progress: `well`, `badly`, or in an `outage`."""

    end: str


@job("scripted", concurrency=1, timeout=30)
def play(context: JobContext, data: Script) -> dict[str, str]:
    """Report progress, and end as asked."""
    context.progress(40, "halfway")
    if data["end"] == "badly":
        raise PermanentError("the script says to end <b>badly</b>")
    if data["end"] == "outage":
        raise ServiceError("openai", "Incorrect API key provided", refuses_all=True)
    time.sleep(0.5)
    return {"applause": "loud"}
