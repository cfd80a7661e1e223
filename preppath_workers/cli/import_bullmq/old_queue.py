"""A queue of BullMQ, as its versions 1 to 6 keep it in Redis.

<prefix>:<queue>:wait, paused      list: ids, the right end next. Before version 6, a pause renames wait.
                                   Before version 4, prioritized jobs are here too
<prefix>:<queue>:prioritized       zset: ids, scored by priority and order
<prefix>:<queue>:delayed           zset: ids, scored by due time in ms times 4096
<prefix>:<queue>:failed            zset: ids, scored by the time of the failure in ms
<prefix>:<queue>:active            list: ids that workers hold
<prefix>:<queue>:waiting-children  zset: parents of flows
<prefix>:<queue>:repeat            zset: schedules
<prefix>:<queue>:meta              hash: version, paused
<prefix>:<queue>:<id>              hash: one job; <id>:logs, <id>:dependencies, <id>:processed belong to it
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from ...store.operation import Together
from ...store.undecoded import Undecoded
from ...store.values import integer, sendable

#: The states whose jobs are taken, in the order in which they are: each is a method of `OldQueue`.
STATES = ("waiting", "prioritized", "delayed", "failed")

#: Jobs read at a time.
_PAGE = 200

#: The largest whole number that a score holds exactly; a score itself may be infinite.
_LARGEST_SCORE = 2.0**53

#: The field that marks a job as taken: its id here. BullMQ ignores it.
MARK = "preppath"


@dataclass(frozen=True)
class OldJob:
    """One job: its hash, and where it stands."""

    id: str
    #: The key of the list or zset.
    place: str
    #: Its score there; 0 in a list.
    score: float
    fields: Mapping[str, str]
    is_parent: bool = False


class OldQueue:
    """Reads one queue of BullMQ, page by page."""

    def __init__(self, redis: Redis, name: str, prefix: str) -> None:
        self._base = f"{prefix}:{name}:"
        self._send = Undecoded(redis)
        #: How many jobs were removed from each list or zset: the pages move on by that.
        self._removed: Counter[str] = Counter()

    def exists(self) -> bool:
        """Whether there is such a queue."""
        return bool(self._redis("EXISTS", self._key("meta")))

    def version(self) -> str:
        """Return the version of BullMQ that used it last, such as `bullmq:5.81.5`."""
        return str(self._redis("HGET", self._key("meta"), "version") or "an early version")

    def is_paused(self) -> bool:
        """Whether its workers start no jobs."""
        return bool(self._redis("HEXISTS", self._key("meta"), "paused"))

    def waiting(self) -> Iterator[list[OldJob]]:
        """Yield the waiting jobs without a priority, and before version 4 all, the next one first."""
        for name in ("paused", "wait"):
            yield from self._list(self._key(name))

    def prioritized(self) -> Iterator[list[OldJob]]:
        """Yield the waiting jobs with a priority, the next one first."""
        yield from self._zset(self._key("prioritized"), "ZRANGE")

    def delayed(self) -> Iterator[list[OldJob]]:
        """Yield the delayed jobs, by due time."""
        yield from self._zset(self._key("delayed"), "ZRANGE")

    def failed(self) -> Iterator[list[OldJob]]:
        """Yield the failed jobs, the one that failed last first."""
        yield from self._zset(self._key("failed"), "ZREVRANGE")

    def others(self) -> Iterator[tuple[str, list[str]]]:
        """Yield what is never taken: a kind, and ids of that kind."""
        for kind, key, command in (
            ("active", "active", "LRANGE"),
            ("flow", "waiting-children", "ZRANGE"),
            ("schedule", "repeat", "ZRANGE"),
        ):
            start = 0
            while ids := self._redis(command, self._key(key), start, start + _PAGE - 1):
                yield kind, ids
                start += _PAGE

    def mark(self, jobs: Mapping[str, str]) -> None:
        """Note in each job its id here."""
        if jobs:
            self._together([("HSET", self._key(old), MARK, new) for old, new in jobs.items()])

    def remove(self, jobs: Sequence[OldJob]) -> None:
        """Delete the jobs."""
        for job in jobs:
            is_in_list = job.place in (self._key("wait"), self._key("paused"))
            # From the right end of a list, where the next ones are.
            words = ("LREM", job.place, -1, job.id) if is_in_list else ("ZREM", job.place, job.id)
            key = self._key(job.id)
            more = (("ZREM", self._key("priority"), job.id), ("DEL", key, f"{key}:logs"))
            removed, *_ = self._together([words, *more])
            self._removed[job.place] += removed

    def _list(self, key: str) -> Iterator[list[OldJob]]:
        """Yield pages from the right end: producers add jobs at the left."""
        seen = 0
        while True:
            kept = seen - self._removed[key]
            ids = self._redis("LRANGE", key, -kept - _PAGE, -kept - 1)
            if not ids:
                return
            seen += len(ids)
            yield self._read([(job_id, 0.0) for job_id in reversed(ids)], key)

    def _zset(self, key: str, command: str) -> Iterator[list[OldJob]]:
        seen = 0
        while True:
            kept = seen - self._removed[key]
            words = self._redis(command, key, kept, kept + _PAGE - 1, "WITHSCORES")
            if not words:
                return
            seen += len(words) // 2
            scores = [max(-_LARGEST_SCORE, min(_LARGEST_SCORE, float(word))) for word in words[1::2]]
            yield self._read([*zip(words[::2], scores, strict=True)], key)

    def _read(self, entries: Sequence[tuple[str, float]], place: str) -> list[OldJob]:
        # Version 4 keeps markers such as `0:1795733663453` in its lists: they have no hash.
        wanted = [(job_id, score) for job_id, score in entries if not job_id.startswith("0:")]
        if not wanted:
            return []
        keys = [self._key(job_id) for job_id, _ in wanted]
        # A key of another type holds no job. To read it as a hash would end the whole import.
        kinds = self._together([("TYPE", key) for key in keys])
        hashes = [key for key, kind in zip(keys, kinds, strict=True) if kind == "hash"]
        fields = dict(zip(hashes, self._together([("HGETALL", key) for key in hashes]), strict=True))
        parents = self._together([("EXISTS", f"{key}:dependencies", f"{key}:processed") for key in keys])
        return [
            OldJob(job_id, place, score, fields.get(key, {}), bool(parent))
            for (job_id, score), key, parent in zip(wanted, keys, parents, strict=True)
        ]

    def _redis(self, command: str, key: str, *words: str | int) -> Any:
        """Return the answer to one command. Redis doesn't name a key that has another type."""
        try:
            return self._send(command, key, *words)
        except ResponseError as error:
            if str(error).startswith("WRONGTYPE"):
                raise ResponseError(f"{error}: {key}") from error
            raise

    def _together(self, commands: Sequence[tuple[str | int, ...]]) -> list[Any]:
        """Return the answers to several commands, in one round trip. Ids may have any bytes."""
        words = [
            tuple(sendable(word) if isinstance(word, str) else word for word in command)
            for command in commands
        ]
        answers: list[Any] = self._send.take(Together(words))
        return answers

    def _key(self, name: str) -> str:
        return self._base + name


def due_ms(job: OldJob) -> int:
    """Return when a delayed job is due, ms since the epoch: the score's low 12 bits keep the order."""
    return int(job.score) >> 12


def number(job: OldJob, *names: str) -> int:
    """Return the first of these fields that is a number; 0 if none is."""
    return next((value for name in names if (value := integer(job.fields.get(name))) is not None), 0)
