"""Every Redis key of a queue, one method each. The scripts build the same names in `lua/lib`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..config.redis_url import PREFIX, PREFIX_IN_WORDS
from .arguments import plain_text

#: The versions of the data model: which keys and fields there are, and what they mean. What older workers
#: would misread gets the next number, here and in `lua/lib/layout.lua`. A queue begins with the first one,
#: and has the newest since it first used the key `later`.
FIRST_LAYOUT, LAYOUT = 1, 2

#: The queue in whose slot the budget is: no jobs, but what all queues may spend.
BUDGET = "budget"


#: What a queue's name looks like, in words.
QUEUE_NAME = "a name of lower-case letters, digits, _ and -, a letter first, of up to 64 characters"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def is_queue_name(name: str) -> bool:
    """Whether a queue can have this name, which is a part of keys, and in upper case of variables."""
    return _NAME.fullmatch(name) is not None


def checked_names(queue: str, prefix: str) -> tuple[str, str]:
    """Return a producer's queue and prefix as plain text. Raises ValueError if no worker could work with
    them."""
    if not isinstance(queue, str):
        raise ValueError(f"queue: expected {QUEUE_NAME}, not {type(queue).__name__}")
    if not is_queue_name(queue):
        raise ValueError(f"queue {queue!r}: expected {QUEUE_NAME}")
    if not isinstance(prefix, str) or not re.fullmatch(PREFIX, prefix):
        raise ValueError(f"prefix {prefix!r}: expected {PREFIX_IN_WORDS}")
    return plain_text("queue", queue), plain_text("prefix", prefix)


@dataclass(frozen=True)
class Keys:
    """The keys of one queue. The braces are a hash tag: all of them share one slot of a Redis Cluster."""

    prefix: str
    queue: str

    @property
    def base(self) -> str:
        """The prefix of all keys, which the scripts get."""
        return f"{self.prefix}:{{{self.queue}}}:"

    @property
    def wait(self) -> str:
        """list: job ids in the order they will run, the right end next."""
        return self.base + "wait"

    @property
    def later(self) -> str:
        """zset: `<number> <job id>` of the jobs that start after those of `wait`, scored by priority and
        round. Only if very many jobs wait, and users take turns or priorities differ: see
        `lua/lib/later.lua`."""
        return self.base + "later"

    @property
    def priority_index(self) -> str:
        """zset: the last waiting job of each priority and round, scored by both."""
        return self.base + "priority_index"

    @property
    def fair(self) -> str:
        """hash: by, the field of a job's data that identifies its user. Missing if users don't take turns."""
        return self.base + "fair"

    @property
    def turns(self) -> str:
        """zset: `<priority> <user>`, scored by the priority and round of the user's last waiting job."""
        return self.base + "turns"

    @property
    def delayed(self) -> str:
        """zset: job id, scored by the time it is due (ms)."""
        return self.base + "delayed"

    @property
    def dead(self) -> str:
        """list: the dead-letter list, newest at the left."""
        return self.base + "dead"

    @property
    def completed(self) -> str:
        """list: ids of recent completions, newest at the left, capped."""
        return self.base + "completed"

    @property
    def tokens(self) -> str:
        """zset: `<job>#<fencing token>#<time>` of every start within the limiter's duration, scored by time
        (ms)."""
        return self.base + "tokens"

    @property
    def reservations(self) -> str:
        """zset: slots that wait for a token, scored by the time that they reserved (ms)."""
        return self.base + "reservations"

    @property
    def instances(self) -> str:
        """zset: running instances, scored by the time their lease ends (ms)."""
        return self.base + "instances"

    @property
    def events(self) -> str:
        """list: events as JSON, until a janitor has turned them into webhook deliveries."""
        return self.base + "events"

    @property
    def gate(self) -> str:
        """hash: paused, heldUntil (ms), heldReason, heldFor (nano-dollars that the budget has no room for),
        eventsUntil (ms), limit, vendorLimit and streak (JSON). While the queue is out of service, also the
        fields that `lua/lib/outage.lua` lists. Missing if the gate is open."""
        return self.base + "gate"

    @property
    def meta(self) -> str:
        """hash: layout is the version of the queue's data model (LAYOUT). epoch, epochAt, lossAt and lossMs
        show whether Redis has lost writes. waits is how often producers waited for replicas. fairSince (ms)
        is when the instance that set `fair` read its configuration."""
        return self.base + "meta"

    @property
    def limit(self) -> str:
        """hash: the rate limit in force (max, duration, since, until, instance; ms), and when it was last
        compared with that of an instance (comparedAt). While one is configured with another limit, also that
        (otherMax, otherDuration, otherInstance, otherUntil)."""
        return self.base + "limit"

    @property
    def vendor(self) -> str:
        """hash: the vendor's own rate limits, see `lua/note_vendor_limits.lua`."""
        return self.base + "vendor"

    @property
    def stats(self) -> str:
        """hash: counters since the beginning: enqueued, completed, failed, retried, recovered, …"""
        return self.base + "stats"

    @property
    def spent(self) -> str:
        """hash: what vendor calls used and cost since the beginning, `<model> <measure>`; see
        `lua/lib/ledger.lua`."""
        return self.base + "spent"

    def spent_on(self, day: str) -> str:
        """hash: the same of one day (UTC, ISO 8601). `…:users:nano`, `…:users:calls` and `…:users:unknown`
        (zsets) have it by user, `…:unknown` (hash) the calls of unknown cost, `…:late` (set) the ids of calls
        whose job was gone."""
        return f"{self.spent}:{day}"

    @property
    def cost_rows(self) -> str:
        """list: calls (JSON) that have yet to be written to PostgreSQL, oldest at the left; see
        `lua/lib/cost_rows.lua`."""
        return self.base + "cost_rows"

    def budget(self, name: str) -> str:
        """The budget. It spans queues, so it has a slot of its own: that of the queue `budget`.

        - hash `reserved`: reservations (JSON) by the id of their call
        - zset `open`: those that are not settled, scored by when they were last looked at
        - zset `unknown`: those of unknown cost, scored by the end of their month
        - hash of each day and month: `spent <scope>`, `reserved <scope>`, `unknown <scope>`, and
          `warned <scope>` once its soft cap was reached
        """
        return f"{self.base}budget:{name}"

    @property
    def model_tokens(self) -> str:
        """hash: the bucket of the limit of model tokens a minute: left, at (ms)."""
        return self.base + "model_tokens"

    @property
    def capped(self) -> str:
        """hash: delayed jobs whose users have no budget left: the most that a request can cost (nano-dollars)
        and the scope, by job id."""
        return self.base + "capped"

    @property
    def durations(self) -> str:
        """hash: how long attempts waited and ran, see `durations.py`."""
        return self.base + "durations"

    @property
    def causes(self) -> str:
        """hash: retries and dead letters by the class of the error, see `lua/lib/causes.lua`."""
        return self.base + "causes"

    @property
    def history(self) -> str:
        """list: the queue's figures at each minute as JSON, newest at the left, see `history.py`."""
        return self.base + "history"

    def active(self, worker_id: str) -> str:
        """list: the jobs that the slot `<instance>:<number>` holds: normally one."""
        return f"{self.base}active:{worker_id}"

    def instance(self, instance: str) -> str:
        """hash: host, pid, slots, startedAt, version of one supervisor; gone, when its lease ran out."""
        return f"{self.base}instance:{instance}"

    def cancels(self, instance: str) -> str:
        """hash: the running jobs of one supervisor that were cancelled, by the number of their slot."""
        return f"{self.base}cancels:{instance}"

    def job(self, job_id: str) -> str:
        """hash: everything about one job."""
        return f"{self.base}job:{job_id}"

    def group(self, group: str) -> str:
        """hash: one group of jobs. jobs, completed, failed, cancelled and expired are its counters; size and
        closed say when it is complete; ends is how often it ended, endedAt (ms) when."""
        return f"{self.base}group:{group}"

    def ended(self, job_id: str) -> str:
        """list: the state in which a job ended, for a minute, if a client waits for it."""
        return f"{self.base}ended:{job_id}"
