"""One queue as a plain dict: written to Redis before a transition, read back completely after it.

A state contains only what exists:

    {
        "wait": ["b", "a"],                     # the right end is next
        "priority_index": {"b": 50}, "later": {"500000000000 g": 50.000000000001},
        "active": {"host:0": ["c"]},
        "delayed": {"d": 1_001_000},            # also tokens, reservations, instances
        "dead": ["e"], "completed": ["f"],
        "instance": {"host": {"slots": 1}},
        "gate": {"paused": 1}, "meta": {"layout": 1}, "stats": {"enqueued": 6}, "limit": {"max": 5, …},
        "jobs": {"a": {"state": "waiting", …}, …},
    }

Whole numbers are read as int. `ttl` of a job isn't a field: it is the key's time to live, in seconds.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from redis import Redis

from preppath_workers.store.job import Job
from preppath_workers.store.keys import Keys
from preppath_workers.store.scripts import Caller

#: The time at which transitions are called, in ms.
NOW = 1_000_000

State = dict[str, Any]

#: Figures for metrics, which no transition reads and test_figures.py tests: left out, but for completions.
FIGURES = ("durations", "causes", "history")

_LISTS = ("wait", "dead", "completed", "events", "cost_rows")
_SORTED_SETS = ("later", "priority_index", "turns", "delayed", "tokens", "reservations", "instances")
_HASHES = ("gate", "fair", "meta", "stats", "limit", "vendor", "spent", "capped", "model_tokens")

#: Keys that exist once per job, slot or instance.
_FAMILIES = {
    "jobs": "job:",
    "active": "active:",
    "cancels": "cancels:",
    "ended": "ended:",
    "groups": "group:",
    "spending": "spent:",
    "budget": "budget:",
    "instance": "instance:",
}


class RedisState:
    """One queue on a server, with a clock that only the test moves."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self.redis = redis
        self.keys = keys

    def call(self, name: str, *arguments: str | int, now: int = NOW) -> Any:
        """Call a transition and return its reply, in which a job is checked and shown as its id."""
        reply = Caller(self.redis, self.keys.base, now=str(now))(name, *arguments)
        if name == "claim":
            return self.claimed(f"{arguments[0]}:{arguments[1]}", reply)
        if name == "settle_and_fetch":
            claimed, settled = (reply, "completed") if isinstance(reply, str) else (reply[:-1], reply[-1])
            return [*self.claimed(str(arguments[0]), claimed), settled]
        if name in ("recover", "reap"):
            return [reply[0], [self._shown(job) for job in reply[1]]]
        return reply

    def claimed(self, worker_id: str, reply: str | list[Any]) -> list[Any]:
        """Return a claim's reply to this worker, with a whole job shown as in `call`."""
        if isinstance(reply, str):
            return ["job", self._first_shown(worker_id, reply)]
        return ["job", self._shown(reply[1])] if reply[0] == "job" else reply

    def _first_shown(self, worker_id: str, text: str) -> str:
        job = Job.first_started("tts", worker_id, text)
        stored = self.redis.hgetall(self.keys.job(job.id))
        shown = {name: value for name, value in stored.items() if value and name in job.fields}
        assert {name: value for name, value in job.fields.items() if value} == shown
        whole = Job("tts", job.id, stored)
        assert (job.wait_ms, job.created_at) == (whole.wait_ms, whole.created_at)
        return job.id

    def push(self, *entries: str | bytes) -> None:
        """Push entries as any client may, with one LPUSH."""
        self.redis.lpush(self.keys.wait, *entries)

    def take(self, worker_id: str) -> str | None:
        """Pop an entry into the slot, without blocking."""
        found: str | None = self.redis.rpoplpush(self.keys.wait, self.keys.active(worker_id))
        return found

    def write(self, state: State) -> None:
        for name, value in state.items():
            if name in _FAMILIES:
                for member, content in value.items():
                    self._write(_FAMILIES[name] + member, content)
            else:
                assert name in (*_LISTS, *_SORTED_SETS, *_HASHES), f"a queue has no {name!r}"
                self._write(name, value)

    def _write(self, name: str, value: Any) -> None:
        key = self.keys.base + name
        if isinstance(value, list):
            self.redis.rpush(key, *value)
        elif name in _SORTED_SETS:
            self.redis.zadd(key, value)
        else:
            mapping = {
                name: json.dumps(field) if isinstance(field, dict) else field for name, field in value.items()
            }
            self.redis.hset(key, mapping=mapping)

    def read(self) -> State:
        """Return the whole queue. Raises AssertionError for a key that Keys does not define."""
        state: State = {}
        keys = sorted(key for key in self.all_keys() if key.removeprefix(self.keys.base) not in FIGURES)
        with self.redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                name = self._name(key)[0]
                if name in ("active", "ended", *_LISTS):
                    pipeline.lrange(key, 0, -1)
                elif ":spent:" in key and key.endswith(":late"):
                    pipeline.smembers(key)
                elif name in _SORTED_SETS or ":users:" in key or key.endswith(("t:open", "t:unknown")):
                    pipeline.zrange(key, 0, -1, withscores=True)
                else:
                    pipeline.hgetall(key)
                pipeline.pttl(key)
            answers = pipeline.execute()
        for key, answer, ttl in zip(keys, answers[::2], answers[1::2], strict=True):
            name, member = self._name(key)
            content = _numbers(answer)
            _drop(content, "failedAttempts")  # for onlookers alone, and tested by itself
            if "streak" in content and name == "gate":
                content["streak"] = json.loads(content["streak"])
            if ttl > 0 and name not in ("tokens", "limit", "ended", "spending", "budget"):
                content["ttl"] = (
                    round(ttl / 10_000) * 10
                )  # the clock of a key's TTL is always the server's own
            if member:
                state.setdefault(name, {})[member] = content
            else:
                state[name] = content
        if completed := counted_completions(self.redis.hgetall(self.keys.durations)):
            state["stats"] = {"completed": completed, **state.get("stats", {})}
        return state

    def _name(self, key: str) -> tuple[str, str]:
        """Return the key's name in a state and its member, if it has one."""
        name, _, member = key.removeprefix(self.keys.base).partition(":")
        name = {"job": "jobs", "group": "groups"}.get(name, name)
        name = "spending" if name == "spent" and member else name
        known = _FAMILIES if member else (*_LISTS, *_SORTED_SETS, *_HASHES)
        assert name in known, f"a queue has no key {key}"
        return name, member

    def all_keys(self) -> Iterator[str]:
        """Yield every key on the server with the prefix."""
        yield from self.redis.scan_iter(match=f"{self.keys.prefix}*", count=1_000)

    def _shown(self, reply: list[str]) -> str:
        fields = dict(zip(reply[::2], reply[1::2], strict=True))
        job_id = fields.pop("id")
        assert fields == self.redis.hgetall(self.keys.job(job_id))
        return job_id


def merged(state: State, changes: Mapping[str, Any]) -> State:
    """Return the state with the changes: mappings are merged deeply, None removes, the rest replaces."""
    result = copy.deepcopy(state)
    for name, value in changes.items():
        if value is None:
            del result[name]
        elif isinstance(value, Mapping):
            result[name] = merged(result.get(name, {}), value)
            if not result[name]:
                del result[name]
        else:
            result[name] = value
    return result


def counted_completions(durations: Mapping[str, str | int]) -> int:
    """Return how many completions the hash counts."""
    return sum(int(count) for field, count in durations.items() if re.match(r"completed:.*:", field))


def _drop(content: Any, field: str) -> None:
    if isinstance(content, dict):
        content.pop(field, None)


def _numbers(answer: Any) -> Any:
    """Return a reply with whole numbers as int: a list of entries, of entries and scores, or a hash."""
    if isinstance(answer, Mapping):
        return {name: _number(text) for name, text in answer.items()}
    if isinstance(answer, list) and answer and not isinstance(answer[0], str):
        return {member: int(score) if score == int(score) else score for member, score in answer}
    return answer


def _number(text: str) -> str | int:
    return int(text) if text.removeprefix("-").isdecimal() and text.isascii() else text
