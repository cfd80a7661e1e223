"""The duration of each step as a job's data grows, beside that of sending as many bytes to Redis and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median

from preppath_workers import Queue
from preppath_workers.store.connections.connection import client

from .steps import CALLS, median_ms, turns

#: Bytes of JSON; a job may have a million.
SIZES = (1_000, 10_000, 100_000, 1_000_000)

HEADINGS = ("bytes of data", "json.dumps", "SET", "enqueue", "GET", "json.loads", "settle and claim")


@dataclass(frozen=True)
class Payload:
    url: str
    size: int

    def row(self) -> list[str]:
        redis = client(self.url, timeout=60)
        redis.flushall()
        queue = Queue("bench", redis)
        data = {"text": "x" * (self.size - len('{"text":""}'))}
        text = json.dumps(data)
        times = [
            median_ms(lambda: json.dumps(data)),
            median_ms(lambda: redis.set("raw", text)),
            median_ms(lambda: queue.enqueue(data), calls=CALLS + 1),
            median_ms(lambda: redis.get("raw")),
            median_ms(lambda: json.loads(text)),
            median(turns(self.url, CALLS)[1:]),
        ]
        return [f"{self.size:,}", *(f"{ms:.2f}" for ms in times)]
