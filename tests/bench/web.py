"""The status API with a million waiting jobs: `python -m tests.bench.web [--jobs N]`.

Prints the fastest of some requests, the slowest command of the server, and the memory of the process. The
machine may be busy, so the minimum is what counts.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter

import requests
from redis import Redis

from preppath_workers import Queue

from .server import BenchServer

#: Adds waiting jobs of three priorities, as `enqueue` stores them but faster.
_FILL = """
local base, first, last = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
for n = first, last do
  local id = string.format('j%07d', n)
  local data = '{"questionId":"q1","userId":"u' .. n % 1000 .. '"}'
  redis.call('HSET', base .. 'job:' .. id, 'data', data, 'priority', ARGV[3], 'state', 'waiting',
    'createdAt', ARGV[4])
  redis.call('LPUSH', base .. 'wait', id)
end
redis.call('ZADD', base .. 'priority_index', ARGV[3], string.format('j%07d', last))
"""

#: The pages that are measured, by what they are.
_PATHS = {
    "a page of 50 jobs": "/api/v1/queues/tts/jobs?limit=50",
    "50 jobs in the middle": "/api/v1/queues/tts/jobs?limit=50&cursor={middle}",
    "2000 jobs filtered": "/api/v1/queues/tts/jobs?userId=nobody",
    "/api/v1/queues": "/api/v1/queues",
    "/metrics": "/metrics",
    "the overview": "/",
}


def main() -> None:
    parser = ArgumentParser(description="measure the status API with many waiting jobs")
    parser.add_argument("--jobs", type=int, default=1_000_000, help="waiting jobs, default %(default)s")
    parser.add_argument("--rounds", type=int, default=15, help="requests of each kind, default %(default)s")
    args = parser.parse_args()
    with BenchServer() as server, Redis.from_url(server.url, decode_responses=True) as redis:
        queue = Queue("tts", redis)
        script = redis.register_script(_FILL)
        now = queue.now()
        for priority, share in ((1, 0.1), (50, 0.8), (90, 0.1)):
            start = queue.redis.llen(queue.keys.wait)
            end = start + round(args.jobs * share)
            for first in range(start, end, 5_000):
                last = min(end, first + 5_000) - 1
                script(keys=[queue.keys.base], args=[first, last, priority, now - args.jobs + first])
        redis.config_set("slowlog-log-slower-than", 1_000)
        redis.config_set("slowlog-max-len", 1_000)
        redis.slowlog_reset()
        redis.config_resetstat()
        command = [sys.executable, "-m", "preppath_workers", "web", "--port", "0"]
        variables = {**os.environ, "REDIS_URL": server.url}
        with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            url = process.stdout.readline().removeprefix("listening on ").strip()
            for name, path in _PATHS.items():
                times = [_time(url + path.format(middle=args.jobs // 2)) for _ in range(args.rounds)]
                print(f"{name:25} {min(times) * 1000:7.1f} ms")
            print(f"{'memory':25} {_pss(process.pid) / 1024:7.1f} MiB")
            process.terminate()
        slow = redis.slowlog_get(1_000)
        worst = max(slow, key=lambda entry: entry["duration"], default=None)
        print("slowest command          ", f"{worst['duration'] / 1000:7.1f} ms" if worst else "under 1 ms")
        print("                         ", worst["command"][:100] if worst else "")
        for name, used in sorted(
            redis.info("commandstats").items(), key=lambda each: -each[1]["usec_per_call"]
        )[:5]:
            print(f"  {name:24} {used['usec_per_call'] / 1000:7.3f} ms a call")


def _time(url: str) -> float:
    start = perf_counter()
    requests.get(url, timeout=60).raise_for_status()
    return perf_counter() - start


def _pss(pid: int) -> int:
    """Return the memory of a process, KiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    found = re.search(r"^Pss: +(\d+)", text, re.MULTILINE)
    assert found
    return int(found[1])


if __name__ == "__main__":
    main()
