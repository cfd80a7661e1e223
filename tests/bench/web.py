"""The status API with a million waiting jobs: `python -m tests.bench.web [--jobs N] [--dead N]`.

Prints the fastest of some requests, the slowest commands of the server by script, and the memory of the
process. The machine may be busy, so the minimum is what counts; a command in the slow log may have waited for
the processor.
"""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from time import perf_counter

import requests
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.reading.spending import days, today
from preppath_workers.store.scripts import scripts
from preppath_workers.store.values import text
from tests.support.tool import run_tool

from . import tree
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

#: Adds dead letters, a tenth of them with another reason. They are of the last priority: to replay jobs into
#: the middle of a long list costs as much as to enqueue them there, see `tests.bench.backlog`.
_FILL_DEAD = """
local base, first, last = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
for n = first, last do
  local id = string.format('d%07d', n)
  redis.call('HSET', base .. 'job:' .. id, 'data', '{}', 'priority', 90, 'state', 'failed',
    'finishedAt', ARGV[3], 'reason', n % 10 == 0 and 'invalid' or 'retries',
    'error', '{"class":"E","message":"m"}')
  redis.call('LPUSH', base .. 'dead', id)
end
"""

#: What is read, by what it is.
_PATHS = {
    "a page of 50 jobs": "/api/v1/queues/tts/jobs?limit=50",
    "50 jobs in the middle": "/api/v1/queues/tts/jobs?limit=50&cursor={middle}",
    "2000 jobs filtered": "/api/v1/queues/tts/jobs?userId=nobody",
    "/api/v1/queues": "/api/v1/queues",
    "/metrics": "/metrics",
    "the overview": "/",
    "a queue's page": "/queues/tts",
    "its dead letters": "/queues/tts/dead",
    "the page of costs": "/costs?by=day",
}


def main() -> int:
    parser = ArgumentParser(description="measure the status API with many jobs")
    parser.add_argument("--jobs", type=int, default=1_000_000, help="waiting jobs, default %(default)s")
    parser.add_argument("--dead", type=int, default=100_000, help="dead letters, default %(default)s")
    parser.add_argument("--rounds", type=int, default=15, help="requests of each kind, default %(default)s")
    args = parser.parse_args()
    with BenchServer() as server, Redis.from_url(server.url, decode_responses=True) as redis:
        _fill(Queue("tts", redis), args.jobs, args.dead)
        redis.config_set("slowlog-log-slower-than", 1_000)
        redis.config_set("slowlog-max-len", 1_000)
        redis.slowlog_reset()
        redis.config_resetstat()
        with _serving(server.url) as (url, pid):
            _time_requests(url, args)
            print(f"{'memory':27} {tree.memory([pid]):7.1f} MiB")
        _show_slow_commands(redis)
    print(f"load average {os.getloadavg()[0]:.1f}")
    return 0


@contextmanager
def _serving(redis_url: str) -> Iterator[tuple[str, int]]:
    """Run the web process; yield its address and process id."""
    command = [sys.executable, "-m", "preppath_workers", "web", "--port", "0"]
    variables = {**os.environ, "REDIS_URL": redis_url, "BUDGET_DAY": "20", "BUDGET_USER_MONTH": "5"}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().removeprefix("listening on ").strip(), process.pid
        process.terminate()


def _time_requests(url: str, args: Namespace) -> None:
    for name, path in _PATHS.items():
        _show(name, args.rounds, lambda path=path: _get(url + path.format(middle=args.jobs // 2)))
    middle = [f"d{args.dead // 2 + number:07}" for number in range(50)]
    for name, action, body in (
        ("2000 dead letters looked at", "replay", {"reason": "permanent", "dryRun": True}),
        ("500 replayed, the oldest", "replay", {"reason": "retries"}),
        ("50 purged, in the middle", "purge", {"ids": middle}),
    ):
        address = f"{url}/api/v1/queues/tts/dead/{action}"
        _show(name, 1, lambda address=address, body=body: _post(address, body))


def _show_slow_commands(redis: Redis) -> None:
    names = {script.digest: name for name, script in scripts().items()}
    slowest: dict[str, list[float]] = defaultdict(list)
    for entry in redis.slowlog_get(1_000):
        command, *arguments = map(text, entry["command"].split())
        slowest[names.get(arguments[0], command) if arguments else command].append(entry["duration"] / 1000)
    print("commands over 1 ms, the slowest of each script:", "" if slowest else "none")
    for name, durations in sorted(slowest.items(), key=lambda each: -max(each[1])):
        print(f"  {name:25} {max(durations):7.1f} ms, {len(durations)} times")
    print("slowest on average:")
    used = sorted(redis.info("commandstats").items(), key=lambda each: -each[1]["usec_per_call"])
    for name, figures in used[:5]:
        print(f"  {name:25} {figures['usec_per_call'] / 1000:7.3f} ms a call")


def _fill(queue: Queue, jobs: int, dead: int) -> None:
    redis, now = queue.redis, queue.now()
    add, add_dead = redis.register_script(_FILL), redis.register_script(_FILL_DEAD)
    for priority, share in ((1, 0.1), (50, 0.8), (90, 0.1)):
        start = redis.llen(queue.keys.wait)
        end = start + round(jobs * share)
        for first in range(start, end, 5_000):
            last = min(end, first + 5_000) - 1
            add(keys=[queue.keys.base], args=[first, last, priority, now - jobs + first])
    for first in range(0, dead, 5_000):
        add_dead(keys=[queue.keys.base], args=[first, min(dead, first + 5_000) - 1, now - dead + first])
    for day in days(today(queue) - timedelta(30), today(queue)):
        for model in range(5):
            measures = {f"m{model} {name}": 1_000_000 for name in ("calls", "nano", "input", "output")}
            redis.hset(queue.keys.spent_on(day), mapping=measures)
        users = {f"u{number}": number for number in range(1_000)}
        redis.zadd(queue.keys.spent_on(day) + ":users:nano", users)


def _show(name: str, rounds: int, ask: Callable[[], float]) -> None:
    print(f"{name:27} {min(ask() for _ in range(rounds)) * 1000:7.1f} ms")


def _get(url: str) -> float:
    start = perf_counter()
    requests.get(url, timeout=60).raise_for_status()
    return perf_counter() - start


def _post(url: str, body: Mapping[str, object]) -> float:
    start = perf_counter()
    requests.post(url, json=body, timeout=60).raise_for_status()
    return perf_counter() - start


if __name__ == "__main__":
    run_tool(main)
