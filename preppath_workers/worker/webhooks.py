"""Makes deliveries out of notices: for every job that has ended, a job on the queue `webhook`.

A notice stays in its queue's outbox until its delivery is enqueued, and the delivery's id follows from the
notice. So a crash in between, or two janitors at once, make one delivery.
"""

from __future__ import annotations

import json
import logging
from hashlib import sha256
from typing import Any

from redis import Redis

from ..log import fields
from ..queue import NewJob, Queue
from ..store.job import is_valid_id

logger = logging.getLogger(__name__)

#: Notices of one call: few enough that a slow server does not keep the janitor from its heartbeat.
BATCH = 20

#: The queue of deliveries. Its own jobs make no notices.
WEBHOOK_QUEUE = "webhook"


def wants_events(queue: str, webhook_url: str | None) -> bool:
    """Whether the end of a job of this queue is to be told."""
    return bool(webhook_url) and queue != WEBHOOK_QUEUE


def enqueue_deliveries(name: str, redis: Redis, prefix: str) -> int:
    """Makes deliveries of a queue's notices; returns how many. Raises redis.RedisError."""
    queue, deliveries = Queue(name, redis, prefix), Queue(WEBHOOK_QUEUE, redis, prefix)
    events = queue.events(BATCH)
    for event in events:
        try:
            deliveries.enqueue_many([_delivery(queue, json.loads(event))])
        except (ValueError, KeyError, TypeError) as error:
            # Not one of ours, or its job was edited. It must not keep the others from being told.
            logger.error("A notice can not be delivered", extra=fields(event=event, error=str(error)))
        queue.drop_event(event)
    return len(events)


def _delivery(queue: Queue, event: dict[str, Any]) -> NewJob:
    if "id" not in event:
        return _queue_delivery(queue, event)
    name = f"{queue.name}:{event['event']}:{event['replays']}:{event['at']}:{event['id']}"
    # The job's own id may be as long as an id can be, and then this one would be too long.
    delivery_id = name if is_valid_id(name) else sha256(name.encode(errors="replace")).hexdigest()
    job = queue.get(event["id"])
    # What has expired meanwhile, or goes on after a replay, is told without its details.
    ended = job if job and job.state == event["event"] else None
    data = {
        "event": event["event"],
        "queue": queue.name,
        "jobId": event["id"],
        "at": event["at"],
        "attempts": ended.attempts if ended else None,
        "result": ended.result if ended else None,
        "reason": ended.reason if ended and event["event"] == "failed" else None,
        "error": dict(ended.error) if ended and ended.error and event["event"] == "failed" else None,
    }
    delivery = NewJob(data, id=delivery_id)
    try:
        delivery.encode()
    except ValueError:  # too large, or edited into no text: the receiver can look it up
        return NewJob({**data, "result": None, "reason": None, "error": None}, id=delivery_id)
    return delivery


def _queue_delivery(queue: Queue, event: dict[str, Any]) -> NewJob:
    """Of a notice about the queue as a whole: out of service, or back."""
    data = {
        "event": event["event"],
        "queue": queue.name,
        "jobId": None,
        "at": event["at"],
        "service": event["service"],
        "reason": event["reason"],
    }
    return NewJob(data, id=f"{queue.name}:{event['event']}:{event['at']}")
