"""Jobs that do what their data says, for the tests of the page: they are run by a real supervisor."""

from __future__ import annotations

import time
from typing import TypedDict

from preppath_workers import JobContext, PermanentError, ServiceError, job


class Scene(TypedDict):
    """`end`: how the job ends once the stage of that name was reported: `well`, `badly`, or `outage`."""

    end: str


@job("scene", concurrency=1, timeout=30)
def play(context: JobContext, data: Scene) -> dict[str, str]:
    """Report progress, and end as asked."""
    context.progress(40, "halfway")
    if data["end"] == "badly":
        raise PermanentError("the scene was to end <b>badly</b>")
    if data["end"] == "outage":
        raise ServiceError("openai", "Incorrect API key provided", refuses_all=True)
    time.sleep(0.5)
    return {"applause": "loud"}
