"""Enqueues webhook deliveries: for every event of a queue, a job on the queue `webhook`.

An event stays in its queue's list until its delivery is enqueued, and the delivery's id is derived from the
event. So a crash in between, or two janitors at once, produce one delivery.
"""

from __future__ import annotations

import json
import logging
from hashlib import sha256
from typing import Any

from ...log import fields
from ...queue import NewJob, Queue
from ...store.job import ENDED_STATES, Job
from ...store.job_id import is_valid_id

logger = logging.getLogger(__name__)

#: Events per call: few enough that a slow server does not delay the janitor's heartbeat.
BATCH = 20

#: The queue of deliveries. Its own jobs emit no events.
WEBHOOK_QUEUE = "webhook"


def wants_events(queue: str, webhook_url: str | None) -> bool:
    """Return whether the jobs of this queue emit events."""
    return bool(webhook_url) and queue != WEBHOOK_QUEUE


def enqueue_deliveries(queue: Queue, deliveries: Queue) -> int:
    """Enqueue deliveries for a queue's oldest events. Returns their number. Raises redis.RedisError."""
    events = queue.events(BATCH)
    for event in events:
        try:
            deliveries.enqueue_many([_delivery(queue, json.loads(event))])
        except (ValueError, KeyError, TypeError) as error:
            # A malformed event must not block the others.
            logger.error("Dropping malformed event", extra=fields(event=event, error=str(error)))
        queue.redis.lrem(queue.keys.events, 1, event)
    return len(events)


def _delivery(queue: Queue, event: dict[str, Any]) -> NewJob:
    if "group" in event:
        return _group_delivery(queue, event)
    if "id" not in event:
        return _queue_delivery(queue, event)
    name = f"{queue.name}:{event['event']}:{event['replays']}:{event['at']}:{event['id']}"
    delivery_id = _valid_id(name)
    job = queue.get(event["id"])
    # A job that has expired or was replayed in the meantime is reported without details.
    ended = job if job and job.state == event["event"] else None
    data = {
        "event": event["event"],
        "queue": queue.name,
        "jobId": event["id"],
        "at": event["at"],
        "attempts": ended.attempts if ended else None,
        "result": ended.result if ended else None,
        "reason": ended.reason if ended and event["event"] == "failed" else None,
        "cost": _cost(ended) if ended else None,
        "error": dict(ended.error) if ended and ended.error and event["event"] == "failed" else None,
    }
    delivery = NewJob(data, id=delivery_id)
    try:
        delivery.encode()
    except ValueError:  # too large or not valid UTF-8: the receiver can look the job up
        return NewJob({**data, "result": None, "reason": None, "error": None}, id=delivery_id)
    return delivery


def _cost(job: Job) -> dict[str, Any] | None:
    """Return what the job's paid requests cost, nano-dollars; None if it made none."""
    return {name: job.cost[name] for name in ("nano", "calls", "unknownNano")} if job.cost else None


def _group_delivery(queue: Queue, event: dict[str, Any]) -> NewJob:
    name = f"{queue.name}:{event['event']}:{event['ends']}:{event['at']}:{event['group']}"
    data = {
        "event": event["event"],
        "queue": queue.name,
        "jobId": None,
        "at": event["at"],
        "group": event["group"],
        "jobs": event["jobs"],
        **{outcome: event[outcome] for outcome in ENDED_STATES},
    }
    return NewJob(data, id=_valid_id(name))


def _valid_id(name: str) -> str:
    # With a long id of a job or group, the name exceeds the longest id that is allowed.
    return name if is_valid_id(name) else sha256(name.encode(errors="replace")).hexdigest()


def _queue_delivery(queue: Queue, event: dict[str, Any]) -> NewJob:
    """Return the delivery of an event of the queue itself, such as that it is out of service."""
    data = {
        "event": event["event"],
        "queue": queue.name,
        "jobId": None,
        "at": event["at"],
        "service": event["service"] or None,  # none after an unknown error
        "reason": event["reason"],
    }
    # One request may reach several caps, each an event of the same moment.
    about = sha256(str(event["reason"]).encode(errors="replace")).hexdigest()[:8]
    return NewJob(data, id=f"{queue.name}:{event['event']}:{event['at']}:{about}")
