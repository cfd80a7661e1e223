"""A queue with a newer layout: workers, commands and the Python API refuse it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from redis import Redis

from preppath_workers import NewerLayout, Queue
from preppath_workers.config.load import EX_CONFIG
from preppath_workers.store.keys import LAYOUT, Keys
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.process import ROOT

_PREFIX, _QUEUE = "newer", "tts"


def not_refused(url: str) -> Iterator[str]:
    """Yield each operation that works on such a queue although it must not."""
    with Redis.from_url(url, decode_responses=True) as client:
        client.hset(Keys(_PREFIX, _QUEUE).meta, "layout", LAYOUT + 1)
        queue = Queue(_QUEUE, client, _PREFIX)
        try:
            queue.enqueue({})
            yield "Queue.enqueue"
        except NewerLayout:
            pass
    commands = {
        "workers": ["--queue", _QUEUE],
        "command enqueue": ["enqueue", _QUEUE, "{}"],
        "command cancel": ["cancel", _QUEUE, "x"],
        "command queues": ["queues"],
    }
    environment = {**os.environ, **MINIMAL_ENV, "REDIS_URL": url, "KEY_PREFIX": _PREFIX, "QUEUES": _QUEUE}
    for name, words in commands.items():
        found = subprocess.run(
            [sys.executable, "-m", "preppath_workers", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
        )
        if found.returncode != EX_CONFIG or "update preppath-workers" not in found.stdout + found.stderr:
            yield f"{name}: exit code {found.returncode}: {(found.stdout + found.stderr)[-200:]}"
