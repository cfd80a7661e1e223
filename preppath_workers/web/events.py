"""Server-sent events of one job (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from ..queue import Queue
from ..store.job import Job
from .polling import as_json
from .trouble import TROUBLES, trouble_of

#: Seconds between two reads of the job.
_LOOK = 0.5
#: Seconds between two tries while Redis does not answer.
_AWAY = 2.0
#: Seconds of silence after which a comment keeps the connection open.
_KEEP_ALIVE = 15.0


def version(job: Job) -> str:
    """Return the id of the event that shows the job as it is."""
    return as_json(job.to_dict())[1]


async def stream(queue: Queue, job_id: str, last_id: str | None) -> AsyncIterator[str]:
    """Yield an event for each change of the job, named by its state, until it has ended; `gone` if the job is
    no longer stored.

    An event's id is a version of the job. A client that reconnects with the id of the last event it has seen
    doesn't get that event again.
    """
    yield "retry: 2000\n\n"
    silent = 0.0
    while True:
        try:
            job = await run_in_threadpool(queue.get, job_id)
        except TROUBLES as error:
            # A browser that reconnects and gets a 503 gives up, so the stream stays open.
            yield f": {trouble_of(error)}\n\n"
            await asyncio.sleep(_AWAY)
            continue
        if not job:
            break
        body, event_id = as_json(job.to_dict())
        if event_id != last_id:
            last_id, silent = event_id, 0.0
            yield f"id: {event_id}\nevent: {job.state}\ndata: {body}\n\n"
        elif silent >= _KEEP_ALIVE:
            silent = 0.0
            yield ": still here\n\n"
        if job.is_finished:
            return
        silent += _LOOK
        await asyncio.sleep(_LOOK)
    yield "event: gone\ndata: {}\n\n"
